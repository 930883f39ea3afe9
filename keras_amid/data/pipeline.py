"""Records -> `tf.data` batches."""

import hashlib
import json
import os
import shutil
from pathlib import Path

from keras_amid.data._tensorflow import tensorflow
from keras_amid.data.examples import example_parser
from keras_amid.data.records import read_index


def batches(
    folders,
    batch_size,
    modalities=("video", "audio"),
    *,
    shuffle=None,
    cache=True,
    vocabulary=None,
    text="tokens",
    drop_remainder=False,
):
    """Batches of decoded samples for `fit`, `evaluate` and `predict`, on every backend.

    Yields `(x, y)`: `x` a dict with the asked modalities, of `video` uint8 (batch, frames, height,
    width, channels), `audio` float32 (batch, samples) in [-1, 1] and `text` int32 (batch, length);
    `y` int32 (batch,). Samples are decoded in parallel, once, in the order of the records; then
    shuffled, batched and prefetched. No Python runs once it is built.

    Args:
        folders: A folder that `write_records` wrote, or a list of them (such as the folds of a
            cross-validation), read one after the other.
        batch_size: Samples a batch.
        modalities: Which of "video", "audio" and "text" to decode.
        shuffle: An `EpochShuffle`, or None for the order of the records. The full permutation holds
            all samples in memory: decoded with `cache=True`, as they lie in the records with
            `cache=False`.
        cache: True keeps the decoded samples in memory; a path keeps them in a file there (made
            on the first call, atomically); False decodes them in each epoch.
        vocabulary: The `Vocabulary` of the text tokens.
        text: "tokens", or "bytes" for the strings themselves (TensorFlow backend only).
        drop_remainder: Leave out a last batch that is not full.

    Returns:
        A `tf.data.Dataset` of known cardinality.

    Raises:
        ValueError: A wrong argument, records that are missing, incomplete or empty, a modality
            they lack, or samples of different shapes.
    """
    folders = [Path(f) for f in ([folders] if isinstance(folders, (str, Path)) else folders)]
    _check(batch_size, modalities, vocabulary, text)
    indexes = [read_index(folder) for folder in folders]
    formats = _formats(folders, indexes, modalities)
    size = sum(index["count"] for index in indexes)
    tf = tensorflow()
    dataset = tf.data.TFRecordDataset(_shards(folders, indexes))
    decode = _decoder(formats, modalities, vocabulary if text == "tokens" else None)
    if cache is False and shuffle is not None:
        dataset = shuffle.apply(dataset, size)
    dataset = dataset.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    if cache is True:
        dataset = dataset.cache()
    elif cache is not False:
        words = vocabulary and [vocabulary.words, vocabulary.length]
        dataset = _file_cache(dataset, Path(cache), [indexes, sorted(modalities), text, words])
    if cache is not False and shuffle is not None:
        dataset = shuffle.apply(dataset, size)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(size))
    dataset = dataset.batch(batch_size, drop_remainder=drop_remainder)
    options = tf.data.Options()
    # One shuffled stream has no files to divide: workers of a strategy take their share of samples.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options).prefetch(tf.data.AUTOTUNE)


def _shards(folders, indexes):
    return [
        str(folder / shard["file"])
        for folder, index in zip(folders, indexes, strict=True)
        for shard in index["shards"]
        if shard["count"]
    ]


def _check(batch_size, modalities, vocabulary, text):
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"`batch_size` must be a positive integer, received {batch_size!r}.")
    if isinstance(modalities, str) or not modalities:
        raise ValueError(f"`modalities` must be a list of names, received {modalities!r}.")
    if text not in ("tokens", "bytes"):
        raise ValueError(f'`text` must be "tokens" or "bytes", received {text!r}.')
    if "text" in modalities and text == "tokens" and vocabulary is None:
        raise ValueError('`vocabulary` must be given for `text="tokens"`, received None.')


def _formats(folders, indexes, modalities):
    """The encoding and shape of each modality, which all folders must share."""
    for folder, index in zip(folders, indexes, strict=True):
        if not index["count"]:
            raise ValueError(f"`folders`: the records in {folder} hold no samples.")
        known = index["modalities"]
        if set(modalities) - set(known):
            raise ValueError(
                f"`modalities` must be among {sorted(known)}, the modalities of the records in "
                f"{folder}, received {list(modalities)}."
            )
        for name in modalities:
            if known[name] != indexes[0]["modalities"][name] or None in known[name]["shape"]:
                raise ValueError(
                    f"`folders`: samples must have one shape and encoding to be batched; {name} "
                    f"in {folder} has {known[name]}. Cut or pad them where they are read."
                )
    return {name: indexes[0]["modalities"][name] for name in modalities}


def _decoder(formats, modalities, vocabulary):
    parse = example_parser(formats, tuple(modalities))
    if "text" not in modalities or vocabulary is None:
        return parse
    tokenize = vocabulary.tokenizer()

    def decode(serialized):
        x, y = parse(serialized)
        return {**x, "text": tokenize(x["text"])}, y

    return decode


def _file_cache(dataset, folder, key):
    """The decoded samples on disk, under a name made of what they depend on.

    `Dataset.cache(filename)` would leave a lock behind where a reader stops early or is killed.
    """
    tf = tensorflow()
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    path = folder / f"decoded-{digest}"
    if not path.exists():
        temporary = path.with_name(f".part-{path.name}")
        shutil.rmtree(temporary, ignore_errors=True)
        dataset.save(str(temporary))
        os.replace(temporary, path)
    return tf.data.Dataset.load(str(path))
