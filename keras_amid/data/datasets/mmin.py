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

import functools
import re
from pathlib import Path

import h5py
import numpy as np

from keras_amid.data.datasets.listing import Listing, Problems, refuse_root

CLASS_NAMES = ("angry", "happy", "neutral", "sad")
PAPER_COUNTS = {"total": 5531}
_SESSIONS = (1, 2, 3, 4, 5)
_SETS = ("trn", "val", "tst")
_NAME = re.compile(r"Ses0(?P<session>[1-5])[FM]_\w+_(?P<speaker>[FM])[^_]+")


def read(root, face="denseface", audio="comparE", text="bert_large"):
    """Reads the targets of all folds, and checks which utterances have features.

    Args:
        root: Folder that holds `A`, `V`, `L` and `target`.
        face: Name of the file in `V` (without .h5); None for no face features.
        audio: Likewise in `A`.
        text: Likewise in `L`.

    Returns:
        A `Listing` of the splits "session-1" .. "session-5", utterances in alphabetical order;
        `file` is the first of the feature files. Among the problems: utterances without features in
        one of the files, and those whose label differs between folds.

    Raises:
        ValueError: Files are missing (which, and where) or of another format.
    """
    root = Path(root)
    files = {key: root / name for key, name in _files(face, audio, text).items()}
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
    return Listing("MMIN", root, CLASS_NAMES, splits, problems.found, PAPER_COUNTS)


def prepare(
    root,
    out,
    *,
    face="denseface",
    audio="comparE",
    text="bert_large",
    shard_size=512,
    part=(0, 1),
    workers=None,
    progress=True,
):
    """Writes the features to records, one folder a session; goes on where it was stopped.

    The modalities are `face_features`, `audio_features` and `text_features`, float32 (frames or
    tokens, features).

    Args:
        root: See `read`.
        out: Folder to write to.
        face: See `read`.
        audio: See `read`.
        text: See `read`.
        shard_size: Samples a shard.
        part: (i, n): write every n-th shard, see `write_records`.
        workers: Number of threads, None for one a processor core; the result is the same.
        progress: Show progress bars.

    Returns:
        A `PreparedData`, or None while other parts have work to do.

    Raises:
        ValueError: An argument is wrong, the layout is not there, or `out` holds other data.
    """
    from keras_amid.data.datasets.preparing import write_dataset

    listing = read(root, face, audio, text)
    names = _files(face, audio, text)
    files = {key: h5py.File(listing.root / name, "r") for key, name in names.items()}
    try:
        return write_dataset(
            listing,
            out,
            functools.partial(_read_features, files),
            settings={"face": face, "audio": audio, "text": text},
            shard_size=shard_size,
            part=part,
            workers=workers,
            progress=progress,
        )
    finally:
        for file in files.values():
            file.close()


def _files(face, audio, text):
    names = {"face": ("V", face), "audio": ("A", audio), "text": ("L", text)}
    chosen = {f"{k}_features": f"{folder}/{name}.h5" for k, (folder, name) in names.items() if name}
    if not chosen:
        raise ValueError("`face`, `audio` and `text` must not all be None.")
    return chosen


def _read_features(files, row):
    from keras_amid.data.media.errors import MediaError

    values = {}
    for key, file in files.items():
        features = np.asarray(file[row["id"]][()], np.float32)
        features = features[np.newaxis] if features.ndim == 1 else features
        if features.ndim != 2 or not features.size:
            raise MediaError(file.filename, f"features of shape {features.shape}")
        if not np.isfinite(features).all():
            raise MediaError(file.filename, "features that are not finite")
        values[key] = features
    return values


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
        raise ValueError(f"`root`: {path} must hold bytes or text, received {array.dtype}.")
    return [n.decode("utf-8", "replace") if isinstance(n, bytes) else str(n) for n in array]


def _labels(path):
    array = _load(path)
    if array.ndim == 2 and array.shape[1] == len(CLASS_NAMES):
        array = array.argmax(axis=1)
    whole = array.dtype.kind in "iu" and array.ndim == 1
    if not whole or (len(array) and not 0 <= array.min() <= array.max() < len(CLASS_NAMES)):
        raise ValueError(
            f"`root`: {path} must hold one-hot labels (utterances, {len(CLASS_NAMES)}) or integers "
            f"below {len(CLASS_NAMES)}, received {array.dtype} of shape {array.shape}."
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
