"""Records -> `tf.data` batches."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_amid.data._tensorflow import as_written, tensorflow
from keras_amid.data.pipeline.decoding import Modalities, SampleDecoder, named_decoders
from keras_amid.data.pipeline.file_cache import file_cache
from keras_amid.data.pipeline.labelled_mix import LabelledMix
from keras_amid.data.pipeline.shuffling import EpochShuffle
from keras_amid.data.records.reading import RecordSet
from keras_amid.data.records.shards import check_part
from keras_amid.validation.arguments import check_positive_int
from keras_amid.validation.damage import is_data_loss, naming_damage

if TYPE_CHECKING:
    import tensorflow as tf


def batches(
    folders: str | Path | Iterable[str | Path],
    batch_size: int,
    modalities: Modalities,
    *,
    shuffle: EpochShuffle | None = None,
    cache: bool | str | Path | None = None,
    with_index: bool = False,
    subset: Iterable[int] | None = None,
    partners: Mapping[str, Sequence[int]] | None = None,
    host: tuple[int, int] = (0, 1),
    may_lack: Iterable[str] | Mapping[str, Mapping[str, Any]] = (),
    labelled_fraction: float | None = None,
    drop_remainder: bool = False,
) -> tf.data.Dataset:
    """Batches of decoded samples for `fit`, `evaluate` and `predict`, on every backend.

    `modalities` says which modalities of the records are decoded, and how:

        batches(
            "records/train",
            16,
            {
                "video": RandomClip(frames=16, size=112),  # or Windows(), to test
                "audio": RandomCrop(160000),  # or CenterCrop
                "text": Tokens(vocabulary),  # or Text(), on TensorFlow
                "face": Cached("features/train", pad=120),  # what `cache_features` wrote
                "pose": Array(pad="batch"),  # any array; None is the same as Array()
            },
            shuffle=EpochShuffle(seed=0),
        )

    In a list of names, each is decoded in the plain way: whole videos, uint8 (frames, height,
    width, channels), whole sounds, float32 (samples,) in [-1, 1], and arrays, float32. Text has no
    plain way.
    To write a decoder of your own, see `keras_amid.data.Decoder`.

    Yields `(x, y)`: `x` the dict modality -> tensor, batch first; `y` int32 (batch,), -1 for a
    sample without label. Where samples may lack a modality, `x["present"]`, dict modality -> bool
    (batch,), says which have it, and what is missing is zeros; models take it as it is. No Python
    runs once the pipeline is built. Every random draw is a function of the seed of `shuffle`, the
    epoch, the sample and the modality: a resumed run sees what the uninterrupted one saw, whatever
    `cache` and `batch_size` are.

    Batches are prefetched into the host's memory. Taking them to the device is left to Keras: it
    does so itself for JAX and PyTorch, and a `tf.distribute` strategy for TensorFlow.

    Args:
        folders: A folder that `write_records` wrote, or a list of them (such as the folds of a
            cross-validation), read one after the other.
        batch_size: Samples per batch.
        modalities: Dict name -> `Decoder`, or None for the plain way; or a list of names.
        shuffle: An `EpochShuffle`, or None for the order of the records. Random decoders
            (`RandomClip`, `RandomCrop`, an `augment`) need it: it seeds them. `Windows` makes an
            element of each window of a video, with the label and the other modalities of its
            video; it needs `shuffle=None`. Of several videos the first windows are shown together,
            the second ones, and so on; one that has fewer shows its last one again.
        cache: Whether to keep what is the same in every epoch. True: in memory; these are the
            decoded samples or windows or, where a decoder is random, the records as they lie on
            the disk (with JPEG frames, a tenth of the decoded size). A path: the decoded samples,
            in that folder (written on the first call, atomically; not with random decoders). False:
            nothing; each epoch reads the records again, in the shuffled order, and the memory
            needed does not grow with the data. None: False with `RandomClip` and `Windows`,
            otherwise True.
        with_index: Add `x["index"]`, int32 (batch,): the sample's place in the records, as in
            `read_samples`; over several folders it goes on counting.
        subset: Integers, the places (as of `x["index"]`) of the samples to read, such as all but a
            share that is held out; None for all.
        partners: Modality -> integers (samples,): the place of the sample from which each sample
            takes this modality in place of its own; a control, see `shuffled_pairs`.
        host: (i, n): every n-th sample, beginning with the i-th. The shares of the n hosts are
            disjoint and together complete; their sizes differ by one sample at most.
        may_lack: Modalities for which `x["present"]` is there though no sample here lacks them: so
            that the splits of one data set yield the same. A dict also has what no sample here
            has: modality -> its entry in the index of other records ("encoding" and "shape").
            `PreparedData.pipeline` knows them.
        labelled_fraction: The share of labelled samples in every batch of records in which some
            have the label -1, such as 0.5; it needs `shuffle`. Every batch is full. Either kind is
            drawn without replacement: all of it in one order, then all in another, over the borders
            of epochs. An epoch is as many batches as it takes to see all of the kind that takes
            more. None: labelled and unlabelled samples are drawn alike.
        drop_remainder: Leave out a last batch that is not full.

    Returns:
        A `tf.data.Dataset` of known cardinality.

    Raises:
        ValueError: An argument is wrong; records are missing, incomplete, damaged or empty, or lack
            a modality; a decoder does not fit its modality; samples differ in shape; or features
            were made from other records. Also in a loop over the data set, and in `fit`,
            `evaluate`, `predict` and `represent` of this package's models: a file was damaged
            meanwhile. (What else is made of it, `take` say, raises TensorFlow's error.)
    """
    check_positive_int("batch_size", batch_size)
    decoders = named_decoders(modalities)
    check_part(host, "host")
    records = RecordSet(folders)
    decoder = SampleDecoder(
        records, decoders, with_index=with_index, partners=partners, may_lack=may_lack
    )
    cache = decoder.cache if cache is None else cache
    _check_options(decoder, shuffle, cache, labelled_fraction)
    share = _share(len(records), subset, host)
    if isinstance(cache, bool):
        decoder.check_files()
    make = functools.partial(_samples, records, decoder, cache)
    if labelled_fraction is None:
        dataset, size = make(share, shuffle)
    else:
        labels = np.array([records.samples[place]["label"] for place in share])
        mix = LabelledMix(labels, batch_size, labelled_fraction)
        dataset, size = mix.join(share, shuffle, make), mix.steps * batch_size
    dataset = dataset.apply(tensorflow().data.experimental.assert_cardinality(size))
    dataset = _batched(dataset, batch_size, drop_remainder, decoder.ragged)
    kept = None if isinstance(cache, bool) else Path(cache)
    return naming_damage(dataset, functools.partial(_look_again, decoder, kept))


def _look_again(decoder, kept, error):
    """Raises ValueError where what is read is not what it was."""
    if kept is not None and (is_data_loss(error) or str(kept) in str(error)):
        raise ValueError(
            f"`cache` must be a folder whose files are whole; received {kept}, where "
            f"decoded samples cannot be read ({error.message.splitlines()[0]}). Delete it; the "
            "next call makes it anew."
        ) from error
    decoder.look_again(error)


def _samples(records, decoder, cache, share, shuffle):
    """The samples at some places in the order of the epoch, and their number."""
    if decoder.random:
        return _random_samples(share, decoder, shuffle, cache)
    return _fixed_samples(records, share, decoder, shuffle, cache)


def _random_samples(share, decoder, shuffle, cache):
    """Samples that differ from epoch to epoch: only reading can be done ahead."""
    positions, size = tensorflow().data.Dataset.from_tensor_slices(share), len(share)
    if cache:
        samples = shuffle.apply(_parallel(positions, decoder.load).cache(), size, seeds=True)
        return _parallel(samples, decoder.decode), size
    samples = shuffle.apply(positions, size, seeds=True)
    return _parallel(samples, lambda p, seed: decoder.decode(decoder.read(p), seed)), size


def _fixed_samples(records, share, decoder, shuffle, cache):
    """Samples that are the same in every epoch: they can be decoded ahead."""
    positions, size = tensorflow().data.Dataset.from_tensor_slices(share), len(share)
    if cache is False and shuffle is not None:
        positions = shuffle.apply(positions, size)
    if not decoder.windowed:
        dataset = _parallel(positions, lambda position: decoder.decode(decoder.read(position)))
    else:
        windows = _parallel(positions, decoder.read).flat_map(as_written(decoder.windows_of))
        dataset = _parallel(windows, lambda sample, start: decoder.decode(sample, start=start))
        size = sum(decoder.count(records.samples[place]) for place in share)
    if cache is True:
        dataset = dataset.cache()
    elif cache is not False:
        key = [records.fingerprints(), share.tolist(), decoder.settings()]
        dataset = file_cache(dataset, Path(cache), key, decoder)
    if cache is not False and shuffle is not None:
        dataset = shuffle.apply(dataset, size)
    return dataset, size


def _share(count, subset, host):
    """The places of the samples to read, int64."""
    places = np.arange(count) if subset is None else np.asarray(subset)
    if places.ndim != 1 or places.dtype.kind not in "iu" or len(np.unique(places)) < len(places):
        raise ValueError(f"`subset` must be integers that differ; received {subset!r}.")
    if len(places) and not 0 <= places.min() <= places.max() < count:
        raise ValueError(
            f"`subset` must be in 0..{count - 1}, the places of the records' samples; received "
            f"{places.min()}..{places.max()}."
        )
    share = places[host[0] :: host[1]].astype("int64")
    if not len(share):
        raise ValueError(
            f"`host` must leave each of the n hosts a share of the {len(places)} samples; received "
            f"{host}, which has no share."
        )
    return share


def _parallel(dataset, function):
    return dataset.map(as_written(function), num_parallel_calls=tensorflow().data.AUTOTUNE)


def _batched(dataset, batch_size, drop_remainder, ragged):
    tf = tensorflow()
    x, _ = dataset.element_spec
    for name, spec in x.items():
        shape = getattr(spec, "shape", tf.TensorShape(()))
        free = [size is None for size in shape]
        if batch_size > 1 and any(free[1:] if name in ragged else free):
            raise ValueError(
                "`modalities` must be decoded to one shape to be batched; received "
                f"{name} of shape {shape.as_list()}. Decode a part of each sample (RandomClip, "
                "Windows, RandomCrop, CenterCrop), or fill up its first dimension with the `pad` "
                "of Array."
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


def _check_options(decoder, shuffle, cache, labelled_fraction):
    if not isinstance(cache, (bool, str, Path)):
        raise ValueError(f"`cache` must be True, False, a path or None; received {cache!r}.")
    if not isinstance(shuffle, (EpochShuffle, type(None))):
        raise ValueError(f"`shuffle` must be an EpochShuffle or None; received {shuffle!r}.")
    if labelled_fraction is not None and shuffle is None:
        raise ValueError(
            "`shuffle` must be an EpochShuffle, which orders them, with `labelled_fraction`; "
            f"received None with {labelled_fraction!r}."
        )
    random = {name: d for name, d in decoder.decoders.items() if d.random}
    if random and shuffle is None:
        raise ValueError(
            "`shuffle` must be an EpochShuffle, which seeds them, where decoders are random; "
            f"received None with {random}."
        )
    if random and not isinstance(cache, bool):
        raise ValueError(
            "`cache` must be True, False or None where decoders are random and so decoded samples "
            f"differ in each epoch; received {cache!r} with {random}."
        )
    if decoder.windowed and shuffle is not None:
        windows = decoder.decoders[decoder.windowed[0]]
        raise ValueError(
            f"`shuffle` must be None with `{type(windows).__name__}`; received {shuffle!r}."
        )
