"""Records -> `tf.data` batches."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np

from keras_amid.data._tensorflow import tensorflow
from keras_amid.data.pipeline.audio import CenterCrop, RandomCrop
from keras_amid.data.pipeline.clips import RandomClip, Windows
from keras_amid.data.pipeline.decoding import SampleDecoder
from keras_amid.data.pipeline.text import tokenizer_of, vocabulary_key
from keras_amid.data.records.reading import RecordSet
from keras_amid.data.records.shards import check_part


def batches(
    folders,
    batch_size,
    modalities=("video", "audio"),
    *,
    shuffle=None,
    cache=None,
    vocabulary=None,
    text="tokens",
    clips=None,
    sound=None,
    features=None,
    augment=None,
    pad=None,
    with_index=False,
    subset=None,
    host=(0, 1),
    drop_remainder=False,
):
    """Batches of decoded samples for `fit`, `evaluate` and `predict`, on every backend.

    Yields `(x, y)`: `x` a dict with the asked modalities, of `video` uint8 (batch, frames, height,
    width, channels), `audio` float32 (batch, samples) in [-1, 1], `text` int32 (batch, length) and
    any other float32 (batch, ...); `y` int32 (batch,). No Python runs once it is built. All that is
    random is a function of the seed of `shuffle`, the epoch, the sample and the modality: the
    epochs of a resumed run, and runs with another `cache` or another `batch_size`, see the same.

    Batches are prefetched into the host's memory. Taking them to the device is left to Keras: it
    does so itself for JAX and PyTorch, and a `tf.distribute` strategy for TensorFlow.

    Args:
        folders: A folder that `write_records` wrote, or a list of them (such as the folds of a
            cross-validation), read one after the other.
        batch_size: Samples a batch.
        modalities: Which of the records' modalities to decode. The arguments below that concern
            others play no part.
        shuffle: An `EpochShuffle`, or None for the order of the records.
        cache: What is the same in every epoch may be kept. True: in memory; that is the decoded
            samples or windows, but where `clips`, `sound` or `augment` are random, the records as
            they lie on the disk (with JPEG frames, a tenth of the decoded size). A path: the
            decoded samples in a file there (made on the first call, atomically; not with random
            ones). False: nothing, each epoch reads the records anew, in the shuffled order; the
            memory needed does not grow with the data. None: False with `clips`, otherwise True.
        vocabulary: The `Vocabulary` of the text tokens, or another tokenizer, of tensors or dicts
            of tensors (see `keras_amid.data.pipeline.text`).
        text: "tokens", or "bytes" for the strings themselves (TensorFlow backend only).
        clips: `RandomClip` (training; needs `shuffle`), or `Windows` (testing; each window is an
            element, with the label, and the other modalities, of its video; `shuffle` must be
            None). None for whole videos, of one shape.
        sound: `RandomCrop` (needs `shuffle`) or `CenterCrop`, of "audio". A random crop is drawn
            independently of the clip.
        features: Dict modality -> folder (or list of folders) that `cache_features` wrote from
            these records: the modality's value is the features, float32 (batch, ...), found by the
            sample's id.
        augment: Dict modality -> `MaskSpectrogram` (needs `shuffle`).
        pad: Dict modality -> length, for arrays whose first dimension differs: zeros are added at
            the end, and what is longer is cut. The length None adds zeros up to the longest sample
            of the batch (JAX compiles anew for each length that it meets).
        with_index: Add `x["index"]`, int32 (batch,): the sample's place in the records, as in
            `read_samples`; over several folders it goes on counting.
        subset: Integers, the places (as of `x["index"]`) of the samples to read, such as all but a
            share that is held out; None for all.
        host: (i, n): every n-th sample, beginning with the i-th. The shares of n hosts are
            disjoint and complete; the number of their samples may differ by one.
        drop_remainder: Leave out a last batch that is not full.

    Returns:
        A `tf.data.Dataset` of known cardinality.

    Raises:
        ValueError: A wrong argument, records that are missing, incomplete or empty, a modality
            they lack, samples of different shapes, or features of other records.
    """
    _check(batch_size, modalities, text, clips, sound)
    check_part(host, "host")
    records = RecordSet(folders)
    tokens = text == "tokens" and "text" in modalities and "text" not in (features or {})
    tokenize = _tokenizer(vocabulary) if tokens else None
    decoder = SampleDecoder(
        records, modalities, clips=clips, sound=sound, features=features, augment=augment, pad=pad,
        tokenize=tokenize, with_index=with_index,
    )  # fmt: skip
    cache = clips is None if cache is None else cache
    _check_randomness(decoder, shuffle, cache)
    share = _share(len(records), subset, host)
    if decoder.random:
        dataset, size = _random_samples(share, decoder, shuffle, cache)
    else:
        words = vocabulary if tokenize else None
        dataset, size = _fixed_samples(records, share, decoder, shuffle, cache, words)
    dataset = dataset.apply(tensorflow().data.experimental.assert_cardinality(size))
    return _batched(dataset, batch_size, drop_remainder, decoder.ragged)


def _tokenizer(vocabulary):
    if vocabulary is None:
        raise ValueError('`vocabulary` must be given for `text="tokens"`, received None.')
    return tokenizer_of(vocabulary)


def _random_samples(share, decoder, shuffle, cache):
    """Samples that differ from epoch to epoch: only reading can be done ahead."""
    positions, size = tensorflow().data.Dataset.from_tensor_slices(share), len(share)
    if cache:
        samples = shuffle.apply(_parallel(positions, decoder.load).cache(), size, seeds=True)
        return _parallel(samples, decoder.decode), size
    samples = shuffle.apply(positions, size, seeds=True)
    return _parallel(samples, lambda p, seed: decoder.decode(decoder.read(p), seed)), size


def _fixed_samples(records, share, decoder, shuffle, cache, vocabulary):
    """Samples that are the same in every epoch: they can be decoded ahead."""
    positions, size = tensorflow().data.Dataset.from_tensor_slices(share), len(share)
    if cache is False and shuffle is not None:
        positions = shuffle.apply(positions, size)
    if decoder.windows is None:
        dataset = _parallel(positions, lambda position: decoder.decode(decoder.read(position)))
    else:
        windows = _parallel(positions, decoder.read).flat_map(decoder.windows_of)
        dataset = _parallel(windows, lambda sample, start: decoder.decode(sample, start=start))
        lengths = [records.samples[place]["lengths"]["video"] for place in share]
        size = sum(map(decoder.windows.count, lengths))
    if cache is True:
        dataset = dataset.cache()
    elif cache is not False:
        words = None if vocabulary is None else vocabulary_key(vocabulary)
        key = [records.fingerprints(), share.tolist(), decoder.settings(), words]
        dataset = _file_cache(dataset, Path(cache), key)
    if cache is not False and shuffle is not None:
        dataset = shuffle.apply(dataset, size)
    return dataset, size


def _share(count, subset, host):
    """The places of the samples to read, int64."""
    places = np.arange(count) if subset is None else np.asarray(subset)
    if places.ndim != 1 or places.dtype.kind not in "iu" or len(np.unique(places)) < len(places):
        raise ValueError(f"`subset` must be integers that differ, received {subset!r}.")
    if len(places) and not 0 <= places.min() <= places.max() < count:
        raise ValueError(
            f"`subset` must be in 0..{count - 1}, the places of the records' samples, received "
            f"{places.min()}..{places.max()}."
        )
    share = places[host[0] :: host[1]].astype("int64")
    if not len(share):
        raise ValueError(f"`host` {host} has no share: there are {len(places)} samples to read.")
    return share


def _parallel(dataset, function):
    return dataset.map(function, num_parallel_calls=tensorflow().data.AUTOTUNE)


def _batched(dataset, batch_size, drop_remainder, ragged):
    tf = tensorflow()
    x, _ = dataset.element_spec
    for name, spec in x.items():
        shape = getattr(spec, "shape", tf.TensorShape(()))
        free = [size is None for size in shape]
        if batch_size > 1 and any(free[1:] if name in ragged else free):
            raise ValueError(
                f"`folders`: samples must have one shape to be batched; {name} has "
                f"{shape.as_list()}. Choose a part of each with `clips` or `sound`, or fill up "
                "its first dimension with `pad`."
            )
    if ragged:
        dataset = dataset.padded_batch(batch_size, drop_remainder=drop_remainder)
    else:
        dataset = dataset.batch(batch_size, drop_remainder=drop_remainder)
    options = tf.data.Options()
    # One shuffled stream has no files to divide: workers of a strategy take their share of samples.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    # Samples are decoded in parallel already: threads within an operation only wait for each other.
    options.threading.max_intra_op_parallelism = 1
    return dataset.with_options(options).prefetch(tf.data.AUTOTUNE)


def _check(batch_size, modalities, text, clips, sound):
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"`batch_size` must be a positive integer, received {batch_size!r}.")
    if isinstance(modalities, str) or not modalities:
        raise ValueError(f"`modalities` must be a list of names, received {modalities!r}.")
    if text not in ("tokens", "bytes"):
        raise ValueError(f'`text` must be "tokens" or "bytes", received {text!r}.')
    if not isinstance(clips, (RandomClip, Windows, type(None))):
        raise ValueError(f"`clips` must be a RandomClip, a Windows or None, received {clips!r}.")
    if not isinstance(sound, (RandomCrop, CenterCrop, type(None))):
        raise ValueError(f"`sound` must be a RandomCrop, a CenterCrop or None, received {sound!r}.")


def _check_randomness(decoder, shuffle, cache):
    if decoder.random and shuffle is None:
        raise ValueError(
            "`shuffle` must be an EpochShuffle where `clips`, `sound` or `augment` are random: it "
            "seeds them. Received None."
        )
    if decoder.random and not isinstance(cache, bool):
        raise ValueError(
            "`cache` must be True, False or None where `clips`, `sound` or `augment` are random: "
            f"decoded samples differ in each epoch. Received {cache!r}."
        )
    if decoder.windows is not None and shuffle is not None:
        raise ValueError(f"`shuffle` must be None with `Windows`, received {shuffle!r}.")


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
