"""A smartwatch's gyroscope and accelerometer in physiotherapy exercises."""

from __future__ import annotations

import codecs
import dataclasses
import importlib.metadata
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from keras_amid.experiments.few_labels.features import window_features
from keras_amid.experiments.few_labels.pairs import Pairs

_RATE = 50  # Hz
_FILE = "seglearn/data/watch_dataset.npy"
#: What the file may call: numpy's arrays, and nothing that acts.
_CALLABLES = {
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): codecs.encode,
}


@dataclasses.dataclass(frozen=True)
class Watch:
    """140 recordings of 7 shoulder exercises by 10 people, cut into windows.

    The views are the watch's two sensors, three axes each, recorded together at 50 Hz: `acc`, the
    accelerometer, and `gyr`, the gyroscope. People are the groups.

    Attributes:
        seconds, hop: length of a window and from one to the next, in seconds.

    Source: the package seglearn 1.2.5 (BSD-3), which carries the recordings; Burns et al.,
    "Shoulder physiotherapy exercise recognition", Physiological Measurement 2018.
    """

    seconds: float = 4.0
    hop: float = 2.0

    views = ("acc", "gyr")

    def check(self, raw: bool) -> None:
        """See `Source.check`."""
        del raw
        recordings_path()

    def read(self, raw: bool) -> Pairs:
        """See `Source.read`: 45 features a sensor, or (with raw) its signals (200, 3)."""
        recordings = read_recordings(recordings_path())
        length, hop = round(self.seconds * _RATE), round(self.hop * _RATE)
        windows, counts = [], []
        for recording in recordings["X"]:
            starts = range(0, len(recording) - length + 1, hop)
            windows += [recording[start : start + length] for start in starts]
            counts.append(len(starts))
        signals = np.stack(windows)
        sensors = dict(zip(self.views, np.split(signals, 2, axis=2), strict=True))
        x = {
            view: (values if raw else window_features(values, _RATE)).astype("float32")
            for view, values in sensors.items()
        }
        y, people = (
            np.repeat(np.asarray(recordings[name]).astype("int32"), counts)
            for name in ("y", "subject")
        )
        return Pairs(x, y, [str(name) for name in recordings["y_labels"]], people)

    def settings(self) -> dict[str, Any]:
        """See `Source.settings`."""
        return dataclasses.asdict(self)


def recordings_path() -> Path:
    """Where the installed package has the recordings; it is not imported.

    Raises:
        ValueError: it is not installed.
    """
    try:
        files = importlib.metadata.files("seglearn") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.as_posix() == _FILE:
            return Path(str(file.locate()))
    raise ValueError(
        "the package `seglearn` must be installed, for it carries the recordings: "
        "pip install 'keras_amid[watch]'."
    )


class _ArraysOnly(pickle.Unpickler):
    """Reads arrays in lists and dicts, and refuses whatever else a pickle could call."""

    def find_class(self, module, name):
        if (module, name) not in _CALLABLES:
            raise pickle.UnpicklingError(f"{module}.{name} is no array")
        return _CALLABLES[module, name]


def read_recordings(path: Path) -> dict[str, Any]:
    """Reads the .npy of the recordings: a pickled dict, of which no code is run.

    Args:
        path: of the file.

    Returns:
        dict of `X`, a list of float arrays (times, 6) of ax, ay, az, wx, wy, wz, and of `y`,
        `subject`, `y_labels`.

    Raises:
        ValueError: the file holds anything else than arrays, lists and dicts.
    """
    with open(path, "rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        try:
            return _ArraysOnly(file).load().item()
        except pickle.UnpicklingError as error:
            raise ValueError(f"`path` must hold arrays only; received {path}: {error}.") from None
