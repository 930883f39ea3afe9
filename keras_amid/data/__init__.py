"""Data: media files -> sharded records -> `tf.data` pipelines; one data set a file.

Everything is imported on first use, so that `import keras_amid.data` loads neither TensorFlow nor
FFmpeg (PyAV).
"""

import importlib

from keras_amid.data.datasets import DATA_SETS

#: Public name -> the module it is in, below this package.
_HOMES = {
    "Array": "pipeline.arrays",
    "Cached": "pipeline.cached",
    "CenterCrop": "pipeline.audio",
    "Clip": "media",
    "Decoder": "pipeline.decoder",
    "EpochShuffle": "pipeline.shuffling",
    "FeatureCache": "pipeline.feature_cache",
    "LabelledBatches": "pipeline.labelled_batches",
    "MaskSpectrogram": "pipeline.augmentation",
    "Limits": "media",
    "MediaError": "media",
    "PreparedData": "datasets.prepared",
    "RandomClip": "pipeline.clips",
    "RandomCrop": "pipeline.audio",
    "Table": "datasets.table",
    "RippleTank": "datasets.ripple_tank.tank",
    "Text": "pipeline.text",
    "Tokens": "pipeline.text",
    "Vocabulary": "pipeline.text",
    "Windows": "pipeline.clips",
    "World": "datasets.ripple_tank.world",
    "batches": "pipeline.batching",
    "cache_features": "pipeline.feature_cache",
    "limit": "media",
    "probe": "media",
    "read_clip": "media",
    "read_index": "records.index",
    "read_samples": "records.index",
    "read_segments": "media",
    "read_sound": "media",
    "shuffled_pairs": "pipeline.shuffled_pairs",
    "write_clip": "media",
    "write_records": "records.writing",
    "write_sound": "media",
}
#: Modules that are public themselves.
_MODULES = {
    "datasets": "datasets",
    "media": "media",
    "miniatures": "datasets.miniatures",
    "pipeline": "pipeline",
    "prepare": "prepare",
    "records": "records",
    "storage": "storage",
    "table": "datasets.table",
    **{name: f"datasets.{name}" for name in DATA_SETS},
}

__all__ = sorted([*_HOMES, *DATA_SETS, "miniatures"])


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{_MODULES[name]}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_MODULES, *_HOMES})
