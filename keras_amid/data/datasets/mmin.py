"""IEMOCAP as the feature files of the MMIN project, which many laboratories hold.

    data = mmin.prepare("IEMOCAP_features_2021", "data/mmin")
    train, test = data.fold(1)       # session 1 is left out
    batches = data.pipeline(train, 128, ("face_features", "audio_features"), ...)

Layout: `A/comparE.h5`, `V/denseface.h5`, `L/bert_large.h5` (a data set of shape (frames or tokens,
features) for each utterance, or a group with it as `feat`), and
`target/<1..10>/{trn,val,tst}_{label,int2name}.npy`: one-hot labels in the order angry, happy,
neutral, sad, and names as bytes of shape (utterances, 1). MEmoBERT's layout is read too:
`feature/denseface/all.h5`, or `feature/denseface/<1..10>/{trn,val,tst}.h5`.

The ten folds share one set of utterances, so what is read here is that set, by sessions. Where the
features are another fold's in every fold (of networks trained on it), `fold` says which; the folds
2k - 1 and 2k leave session k out.

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

from keras_amid.data.datasets import feature_files, options
from keras_amid.data.datasets.data_set import DataSet, functions_of
from keras_amid.data.datasets.feature_files import FeatureFiles
from keras_amid.data.datasets.listing import Listing, Problems, refuse_root

CLASS_NAMES = ("angry", "happy", "neutral", "sad")
PAPER_COUNTS = {"total": 5531}
_SESSIONS = (1, 2, 3, 4, 5)
_SETS = ("trn", "val", "tst")
_HOMES = ("", "feature", "features")  # of the features, below `root`
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
    fold: int | None = options.choice(
        None, "fold to read, from 1 to 10, where they differ", (None, *range(1, 11))
    )

    def __post_init__(self):
        super().__post_init__()
        if not self._names():
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
            ValueError: Files are missing (which, and where), damaged or of another format.
        """
        root = Path(root)
        found = self._find(root)
        folders = _target_folders(root, self.fold)
        problems = Problems()
        labels = _targets(folders, problems)
        files = {modality: features.by_utterance() for modality, features in found.items()}
        splits = {f"session-{number}": [] for number in _SESSIONS}
        for name in sorted(labels):
            match = _NAME.fullmatch(name)
            lacking = [found[modality].name for modality in found if name not in files[modality]]
            if match is None:
                problems.add(name, "not the name of an IEMOCAP utterance")
            elif lacking:
                problems.add(name, f"no features in {', '.join(lacking)}")
            else:
                group = f"session-{match['session']}"
                file = next(iter(files.values()))[name].relative_to(root).as_posix()
                speaker = name[:5] + match["speaker"]
                row = {"id": name, "label": labels[name], "group": group, "file": file}
                splits[group].append({**row, "speaker": speaker})
        return Listing(root, CLASS_NAMES, splits, problems.found)

    @contextlib.contextmanager
    def opened(self, root: Path) -> Iterator[dict[str, dict[str, h5py.File]]]:
        """Opens the feature files: dict modality -> dict utterance -> open file."""
        with contextlib.ExitStack() as stack:
            yield {
                modality: stack.enter_context(feature_files.opened(features.by_utterance()))
                for modality, features in self._find(root).items()
            }

    def decode(self, row: dict, source: dict[str, dict[str, h5py.File]]) -> dict:
        """See `DataSet.decode`."""
        name = row["id"]
        return {m: feature_files.read_features(source[m][name], name) for m in source}

    def _names(self):
        places = zip(self.modalities, "VAL", (self.face, self.audio, self.text), strict=True)
        return {modality: (folder, name) for modality, folder, name in places if name is not None}

    def _find(self, root):
        """Dict modality -> `FeatureFiles`."""
        found, missing = {}, []
        for modality, (letter, name) in self._names().items():
            homes = [root / home for home in _HOMES]
            places = [home / part for home in homes for part in (f"{letter}/{name}", name)]
            found[modality] = FeatureFiles.find(places, self.fold)
            if found[modality] is None:
                missing.append(root / letter / f"{name}.h5")
        if missing:
            others = [path.relative_to(root) for path in sorted(root.rglob("*.h5"))]
            refuse_root(root, "MMIN features", missing, others)
        return found


read, prepare = functions_of(MMIN)


def _target_folders(root, fold):
    name = "*" if fold is None else str(fold)
    folders = [path for path in sorted(root.glob(f"target/{name}")) if path.name.isdigit()]
    if not folders:
        refuse_root(root, "MMIN targets", [root / "target" / str(fold or 1)])
    return folders


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
        highest = array == array.max(axis=1, keepdims=True)
        # Neither NaN, which is the highest of nothing, nor rows without a label are class 0.
        if not (highest.sum(axis=1) == 1).all():
            raise ValueError(f"`root`: {path} must hold one label a row; received several or none.")
        array = highest.argmax(axis=1)
    whole = array.dtype.kind in "iu" and array.ndim == 1
    if not whole or (len(array) and not 0 <= array.min() <= array.max() < len(CLASS_NAMES)):
        raise ValueError(
            f"`root`: {path} must hold one-hot labels (utterances, {len(CLASS_NAMES)}) or integers "
            f"below {len(CLASS_NAMES)}; received {array.dtype} of shape {array.shape}."
        )
    return array.tolist()


def _load(path):
    try:
        # Mapped, a file that declares more than it holds is refused before memory is taken. This
        # function reads .npy only, and never unpickles.
        return np.array(np.lib.format.open_memmap(path, mode="r"))
    except Exception as error:  # whatever NumPy's parser of the header stumbles on
        raise ValueError(
            f"`root`: {path} is damaged, or cannot be read without unpickling ({error}). If it is "
            "whole and you trust it, write its names anew as plain bytes: "
            'numpy.save(path, numpy.load(path, allow_pickle=True).astype("S")).'
        ) from error
