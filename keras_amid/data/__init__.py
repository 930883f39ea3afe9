"""Data: media files -> sharded records -> `tf.data` pipelines; one data set a file.

Everything is imported on first use, so that `import keras_amid.data` loads neither TensorFlow nor
FFmpeg (PyAV).
"""

import importlib

_MODULES = (
    "epoch_shuffle",
    "examples",
    "files",
    "media",
    "parallel",
    "pipeline",
    "records",
    "ripple_tank",
    "ripple_world",
    "vocabulary",
)
_HOMES = {
    "Clip": "media",
    "EpochShuffle": "epoch_shuffle",
    "MediaError": "media",
    "RippleTank": "ripple_tank",
    "Vocabulary": "vocabulary",
    "World": "ripple_world",
    "batches": "pipeline",
    "read_clip": "media",
    "read_index": "records",
    "read_sound": "media",
    "write_clip": "media",
    "write_records": "records",
    "write_sound": "media",
}

__all__ = sorted([*_HOMES, "ripple_tank"])


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_MODULES, *_HOMES})
