"""Reads what lies in shards, without the package's own parser."""

from pathlib import Path

import numpy as np
import tensorflow as tf


def examples(folder):
    """Dict id -> tf.train.Example's features of the records in a folder, in their order.

    A video's frames, which follow in examples of their own, are put together.
    """
    found = {}
    for path in sorted(Path(folder).glob("shard-*.tfrecord")):
        for serialized in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            feature = tf.train.Example.FromString(serialized).features.feature
            first = found.setdefault(feature["id"].bytes_list.value[0].decode(), feature)
            if first is not feature:
                first["video"].bytes_list.value.extend(feature["video"].bytes_list.value)
    return found


def labels(folder):
    """Dict id -> label of the records in a folder."""
    return {name: f["label"].int64_list.value[0] for name, f in examples(folder).items()}


def picture(feature):
    """The frames of an example, uint8 (frames, height, width, channels)."""
    frames = feature["video"].bytes_list.value
    return np.stack([tf.io.decode_jpeg(frame).numpy() for frame in frames])


def sound(feature):
    """The samples of an example, float (samples,)."""
    return np.frombuffer(feature["audio"].bytes_list.value[0], "<i2") / 32768


def loudest(audio, rate):
    """The frequency of most energy, in Hz."""
    return np.argmax(np.abs(np.fft.rfft(audio))) * rate / len(audio)


def contents(folder):
    """Every file's bytes by its path; of sidecars without the seconds that writing took."""
    import json

    found = {}
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.name.startswith("shard-") and path.suffix == ".json":
                content = {k: v for k, v in json.loads(content).items() if k != "seconds"}
            found[str(path.relative_to(folder))] = content
    return found
