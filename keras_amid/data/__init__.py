"""Data: media files -> sharded records -> `tf.data` pipelines; one data set a file.

Everything is imported on first use, so that `import keras_amid.data` loads neither TensorFlow nor
FFmpeg (PyAV).
"""

import importlib

_MODULES = (
    "activitynet",
    "augmentation",
    "clips",
    "dataset",
    "dataset_listing",
    "dataset_writing",
    "epoch_shuffle",
    "examples",
    "feature_cache",
    "files",
    "frames",
    "iemocap",
    "media",
    "media_errors",
    "media_pictures",
    "media_probe",
    "media_segments",
    "media_sound",
    "media_streams",
    "media_writing",
    "miniatures",
    "mmin",
    "parallel",
    "pipeline",
    "prepare",
    "record_set",
    "records",
    "ripple_tank",
    "ripple_world",
    "sample_decoder",
    "shards",
    "sound_crop",
    "ucf51",
    "vocabulary",
)
_HOMES = {
    "CenterCrop": "sound_crop",
    "Clip": "media",
    "EpochShuffle": "epoch_shuffle",
    "FeatureCache": "feature_cache",
    "MaskSpectrogram": "augmentation",
    "MediaError": "media",
    "PreparedData": "dataset",
    "RandomClip": "clips",
    "RandomCrop": "sound_crop",
    "RippleTank": "ripple_tank",
    "Vocabulary": "vocabulary",
    "Windows": "clips",
    "World": "ripple_world",
    "batches": "pipeline",
    "cache_features": "feature_cache",
    "probe": "media",
    "read_clip": "media",
    "read_index": "shards",
    "read_samples": "shards",
    "read_segments": "media",
    "read_sound": "media",
    "write_clip": "media",
    "write_records": "records",
    "write_sound": "media",
}

_DATA_SETS = ("activitynet", "iemocap", "miniatures", "mmin", "ripple_tank", "ucf51")

__all__ = sorted([*_HOMES, *_DATA_SETS])


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_MODULES, *_HOMES})
