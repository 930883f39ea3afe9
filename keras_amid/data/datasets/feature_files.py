"""Features by the name of an utterance in HDF5 files: one file, or one for each part of a fold."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from keras_amid.data.media.errors import MediaError

_DAMAGED = (OSError, RuntimeError, KeyError, ValueError, TypeError)  # what h5py says of such files
_FEATURES = "feat"  # in a group; `pred`, `start`, ... may stand beside it
_COMPARED = 16  # utterances, to tell whether the folds have the same features


@dataclasses.dataclass(frozen=True)
class FeatureFiles:
    """The files that hold one kind of features.

    Attributes:
        name: Of the file or folder, for messages.
        files: Dict fold -> list of `Path`; one fold, None, where the files are for all of them.
    """

    name: str
    files: dict[int | None, list[Path]]

    @classmethod
    def find(cls, places: list[Path], fold: int | None) -> FeatureFiles | None:
        """Finds <place>.h5, or <place>/all.h5, or <place>/<fold>/*.h5: the first that is there.

        Args:
            places: Paths without suffix.
            fold: The fold to read; None for all of them.
        """
        for place in places:
            whole = [place.with_name(f"{place.name}.h5"), place / "all.h5"]
            for path in filter(Path.is_file, whole):
                return cls(f"{path.parent.name}/{path.name}", {None: [path]})
            folds: dict[Any, list[Path]] = {
                int(folder.name): sorted(folder.glob("*.h5"))
                for folder in place.glob("*")
                if folder.name.isdigit() and fold in (None, int(folder.name))
            }
            files = {number: folds[number] for number in sorted(folds) if folds[number]}
            if files:
                return cls(f"{place.parent.name}/{place.name}", files)
        return None

    def by_utterance(self) -> dict[str, Path]:
        """Returns the file that each utterance with features is in, the first fold's.

        Raises:
            ValueError: A file is damaged, or the folds have different features.
        """
        folds = {fold: _utterances(paths) for fold, paths in self.files.items()}
        if len(folds) > 1:
            self._check_alike(folds)
        return {name: path for fold in reversed(folds.values()) for name, path in fold.items()}

    def _check_alike(self, folds):
        first, *others = folds.values()
        for other in others:
            common = sorted(set(first) & set(other))
            for name in common[:: max(1, len(common) // _COMPARED)]:
                values = []
                for path in (first[name], other[name]):
                    with h5py.File(path, "r") as file:
                        values.append(np.asarray(_node(file, name)[()]))
                if not np.array_equal(*values):
                    raise ValueError(
                        f"`fold` must be one of {sorted(self.files)}, since the features in "
                        f"{self.name} differ between folds; received None."
                    )


@contextlib.contextmanager
def opened(files: dict[str, Path]) -> Iterator[dict[str, h5py.File]]:
    """Opens files, each once; h5py lets one thread at a time read them.

    Args:
        files: Dict utterance -> file, as `by_utterance` returns it.

    Yields:
        Dict utterance -> open file.
    """
    with contextlib.ExitStack() as stack:
        handles = {p: stack.enter_context(h5py.File(p, "r")) for p in dict.fromkeys(files.values())}
        yield {name: handles[path] for name, path in files.items()}


def read_features(file: h5py.File, name: str) -> np.ndarray:
    """Reads an utterance's features.

    Returns:
        float32 (frames or tokens, features).

    Raises:
        MediaError: They are damaged, of another shape, empty, or not finite.
    """
    try:
        features = np.asarray(_node(file, name)[()], np.float32)
    except _DAMAGED as error:
        raise MediaError(file.filename, f"features that cannot be read ({error})") from error
    features = features[np.newaxis] if features.ndim == 1 else features
    if features.ndim != 2 or not features.size:
        raise MediaError(file.filename, f"features of shape {features.shape}")
    if not np.isfinite(features).all():
        raise MediaError(file.filename, "features that are not finite")
    return features


def _utterances(paths):
    found = {}
    for path in paths:
        try:
            with h5py.File(path, "r") as file:
                found |= {name: path for name in file if _node(file, name) is not None}
        except _DAMAGED as error:
            raise ValueError(f"`root`: {path} is no HDF5 file, or damaged: {error}.") from error
    return found


def _node(file, name):
    """The data set of an utterance: it, or in a group of its name `feat`; None without one."""
    node = file.get(name)
    node = node.get(_FEATURES) if isinstance(node, h5py.Group) else node
    return node if isinstance(node, h5py.Dataset) else None
