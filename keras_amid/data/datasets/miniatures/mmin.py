"""A miniature of the MMIN project's feature files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from keras_amid.data.datasets.miniatures.content import check_counts
from keras_amid.data.storage.files import replacing

SIZES = {"A/comparE": 130, "V/denseface": 342, "L/bert_large": 1024}
_NUM_CLASSES = 4
_STRENGTH = 0.5  # of what belongs to a class, against noise of unit variance


def write(
    root: str | Path,
    utterances: int = 8,
    frames: int = 12,
    seed: int = 0,
    awkward: bool = True,
) -> Path:
    """Writes `A/comparE.h5`, `V/denseface.h5`, `L/bert_large.h5` and `target/1` .. `target/10`.

    The awkward cases: of the utterances Ses01F_impro99_*, `F000` has no face features, `F001` has
    some that are not finite, `F002` none (zero frames), `F003` has another label in the folds in
    which it is not trained on, and `F004` has one vector instead of a sequence. `not_an_utterance`
    is a name of another form.

    Args:
        root: Folder to write to.
        utterances: Of each of the ten speakers, 1 or more.
        frames: Of the longest sequence, 4 or more; they are of different lengths.
        seed: Integer >= 0.
        awkward: Write the awkward cases, too.

    Returns:
        `root` as a `Path`.

    Raises:
        ValueError: A number is out of its range.
    """
    check_counts(utterances=(utterances, 1, None), frames=(frames, 4, None), seed=(seed, 0, None))
    root = Path(root)
    labels = {
        f"Ses{session:02d}{speaker}_impro01_{speaker}{number:03d}": (number + session)
        % _NUM_CLASSES
        for session in range(1, 6)
        for speaker in "FM"
        for number in range(utterances)
    }
    if awkward:
        labels.update({f"Ses01F_impro99_F{number:03d}": number % 4 for number in range(5)})
        labels["not_an_utterance"] = 0
    for name, size in SIZES.items():
        with replacing(root / f"{name}.h5") as path, h5py.File(path, "w") as file:
            for number, (utterance, label) in enumerate(labels.items()):
                features = _features(label, [seed, size, number], frames, size)
                features = _spoiled(utterance, features, name) if awkward else features
                if features is not None:
                    file.create_dataset(utterance, data=features, track_times=False)
    for fold in range(1, 11):
        _write_targets(root / "target" / str(fold), labels, fold)
    return root


def _features(label, seed, frames, size):
    direction = np.random.default_rng([label, size]).normal(size=size)
    rng = np.random.default_rng(seed)
    length = rng.integers(frames // 2, frames + 1)
    return (_STRENGTH * direction + rng.normal(size=(length, size))).astype(np.float32)


def _spoiled(utterance, features, name):
    if name == "V/denseface":
        if utterance.endswith("impro99_F000"):
            return None
        if utterance.endswith("impro99_F001"):
            features[1, 2] = np.nan
        if utterance.endswith("impro99_F002"):
            return features[:0]
        if utterance.endswith("impro99_F004"):
            return features[0]
    return features


def _write_targets(folder, labels, fold):
    """Fold 2k - 1 and 2k leave session k out: one speaker to validate on, one to test on."""
    folder.mkdir(parents=True, exist_ok=True)
    session = f"Ses{(fold + 1) // 2:02d}"
    speakers = "FM" if fold % 2 else "MF"
    sets = {"trn": [], "val": [], "tst": []}
    for name in labels:
        speaker = name.split("_")[-1][0]
        key = "trn" if not name.startswith(session) else ("val", "tst")[speakers.index(speaker)]
        sets[key].append(name)
    for key, names in sets.items():
        classes = np.array([labels[name] for name in names])
        if key != "trn":
            other = [name.endswith("impro99_F003") for name in names]
            classes = (classes + other) % _NUM_CLASSES
        np.save(folder / f"{key}_label.npy", np.eye(_NUM_CLASSES)[classes])
        np.save(folder / f"{key}_int2name.npy", np.array(names, "S")[:, np.newaxis])
