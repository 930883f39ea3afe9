"""IEMOCAP as the feature files of the MMIN project, which many laboratories hold.

    data = mmin.prepare("IEMOCAP_features_2021", "data/mmin")
    train, test = data.fold(1)       # session 1 is left out
    batches = data.pipeline(train, 128, ("face_features", "audio_features"), ...)

Layout: `A/comparE.h5`, `V/denseface.h5`, `L/bert_large.h5` (a data set of shape (frames or tokens,
features) for each utterance), and `target/<1..10>/{trn,val,tst}_{label,int2name}.npy`: one-hot
labels in the order angry, happy, neutral, sad, and names as bytes of shape (utterances, 1). The ten
folds share one set of utterances, so what is read here is that set, by sessions.

The features are kept as they are: `comparE` is not normalised.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from keras_amid.data.datasets import options
from keras_amid.data.datasets.data_set import DataSet, functions_of
from keras_amid.data.datasets.listing import Listing, Problems, refuse_root
from keras_amid.data.media.errors import MediaError

CLASS_NAMES = ("angry", "happy", "neutral", "sad")
PAPER_COUNTS = {"total": 5531}
_SESSIONS = (1, 2, 3, 4, 5)
_SETS = ("trn", "val", "tst")
_NAME = re.compile(r"Ses0(?P<session>[1-5])[FM]_\w+_(?P<speaker>[FM])[^_]+")


@dataclasses.dataclass(frozen=True)
class MMIN(DataSet):
    """Features of IEMOCAP's utterances, float32 (frames or tokens, features), by sessions."""

    name = "MMIN"
    class_names = CLASS_NAMES
    modalities = ("face_features", "audio_features", "text_features")
    paper_counts = PAPER_COUNTS
    shard_size = 512

    face: str | None = options.file_name("denseface", "name of the file in V (without .h5)")
    audio: str | None = options.file_name("comparE", "name of the file in A (without .h5)")
    text: str | None = options.file_name("bert_large", "name of the file in L (without .h5)")

    def __post_init__(self):
        super().__post_init__()
        if not self._files():
            raise ValueError("`face`, `audio` and `text` must not all be None; received None.")

    def read(self, root: str | Path) -> Listing:
        """Reads the targets of all folds, and checks which utterances have features.

        Args:
            root: Folder that holds `A`, `V`, `L` and `target`.

        Returns:
            A `Listing` of the splits "session-1" .. "session-5", utterances in alphabetical order;
            `file` is the first of the feature files. Among the problems: utterances without
            features in one of the files, and those whose label differs between folds.

        Raises:
            ValueError: Files are missing (which, and where) or of another format.
        """
        root = Path(root)
        files = {key: root / name for key, name in self._files().items()}
        folders = [path for path in sorted(root.glob("target/*")) if path.name.isdigit()]
        missing = [path for path in files.values() if not path.is_file()]
        if missing or not folders:
            refuse_root(root, "MMIN features", missing + [root / "target" / "1"] * (not folders))
        problems = Problems()
        labels = _targets(folders, problems)
        known = {key: _keys(path) for key, path in files.items()}
        splits = {f"session-{number}": [] for number in _SESSIONS}
        for name in sorted(labels):
            match = _NAME.fullmatch(name)
            lacking = [
                files[key].relative_to(root).as_posix() for key in files if name not in known[key]
            ]
            if match is None:
                problems.add(name, "not the name of an IEMOCAP utterance")
            elif lacking:
                problems.add(name, f"no features in {', '.join(lacking)}")
            else:
                group = f"session-{match['session']}"
                file = next(iter(files.values())).relative_to(root).as_posix()
                speaker = name[:5] + match["speaker"]
                row = {"id": name, "label": labels[name], "group": group, "file": file}
                splits[group].append({**row, "speaker": speaker})
        return Listing(root, CLASS_NAMES, splits, problems.found)

    @contextlib.contextmanager
    def opened(self, root: Path) -> Iterator[dict[str, h5py.File]]:
        """Opens the feature files, each once; h5py lets one thread at a time read them."""
        with contextlib.ExitStack() as stack:
            yield {
                modality: stack.enter_context(h5py.File(root / name, "r"))
                for modality, name in self._files().items()
            }

    def decode(self, row: dict, source: dict[str, h5py.File]) -> dict:
        """See `DataSet.decode`."""
        return {modality: _features(file, row["id"]) for modality, file in source.items()}

    def _files(self):
        places = zip(self.modalities, "VAL", (self.face, self.audio, self.text), strict=True)
        return {modality: f"{folder}/{name}.h5" for modality, folder, name in places if name}


read, prepare = functions_of(MMIN)


def _features(file, name):
    features = np.asarray(file[name][()], np.float32)
    features = features[np.newaxis] if features.ndim == 1 else features
    if features.ndim != 2 or not features.size:
        raise MediaError(file.filename, f"features of shape {features.shape}")
    if not np.isfinite(features).all():
        raise MediaError(file.filename, "features that are not finite")
    return features


def _targets(folders, problems):
    """Dict name -> label over all folds."""
    labels, conflicts = {}, set()
    for folder in folders:
        for name in _SETS:
            paths = [folder / f"{name}_{kind}.npy" for kind in ("int2name", "label")]
            missing = [path for path in paths if not path.is_file()]
            if missing:
                refuse_root(folder, "complete targets", missing)
            names, targets = _names(paths[0]), _labels(paths[1])
            if len(names) != len(targets):
                raise ValueError(
                    f"`root`: {paths[0]} has {len(names)} names, {paths[1]} {len(targets)} labels."
                )
            for utterance, label in zip(names, targets, strict=True):
                if labels.setdefault(utterance, label) != label:
                    conflicts.add(utterance)
    for utterance in sorted(conflicts):
        problems.add(utterance, "another label in another fold")
        del labels[utterance]
    return labels


def _names(path):
    array = _load(path).reshape(-1)
    if array.dtype.kind not in "SU":
        raise ValueError(f"`root`: {path} must hold bytes or text; received {array.dtype}.")
    return [n.decode("utf-8", "replace") if isinstance(n, bytes) else str(n) for n in array]


def _labels(path):
    array = _load(path)
    if array.ndim == 2 and array.shape[1] == len(CLASS_NAMES):
        array = array.argmax(axis=1)
    whole = array.dtype.kind in "iu" and array.ndim == 1
    if not whole or (len(array) and not 0 <= array.min() <= array.max() < len(CLASS_NAMES)):
        raise ValueError(
            f"`root`: {path} must hold one-hot labels (utterances, {len(CLASS_NAMES)}) or integers "
            f"below {len(CLASS_NAMES)}; received {array.dtype} of shape {array.shape}."
        )
    return array.tolist()


def _load(path):
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"`root`: {path} cannot be read without unpickling ({error}). If you trust the file, "
            "write its names anew as plain bytes: "
            'numpy.save(path, numpy.load(path, allow_pickle=True).astype("S")).'
        ) from error


def _keys(path):
    try:
        with h5py.File(path, "r") as file:
            return {name for name in file if isinstance(file.get(name), h5py.Dataset)}
    except OSError as error:
        raise ValueError(f"`root`: {path} is no HDF5 file: {error}.") from error
