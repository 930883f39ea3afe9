"""The features of a frozen extractor, computed once and kept as records."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np

from keras_amid.data._tensorflow import as_written, tensorflow
from keras_amid.data.pipeline.decoder import Decoder
from keras_amid.data.pipeline.decoding import SampleDecoder
from keras_amid.data.records.examples import encode_example
from keras_amid.data.records.one_shard import Encoded
from keras_amid.data.records.reading import RecordSet
from keras_amid.data.records.shards import Work, write_shards
from keras_amid.data.records.writing import check_rows
from keras_amid.data.storage.files import read_json, write_json
from keras_amid.validation.arguments import check_positive_int
from keras_amid.validation.damage import naming_damage

_FORMAT = 3
_SHARD_SIZE = 256


@dataclasses.dataclass(frozen=True)
class FeatureCache:
    """Features that `cache_features` wrote.

    Attributes:
        folder: Where they lie: for `batches(..., {modality: Cached(folder)})`.
        seconds: How long computing them took, over all calls.
        count: Number of samples.
    """

    folder: Path
    seconds: float
    count: int

    def seconds_saved(self, epochs: int) -> float:
        """The seconds saved over running the extractor in each of `epochs` epochs."""
        return self.seconds * (epochs - 1)


def cache_features(
    extractor: keras.Model,
    data: str | Path | Iterable[str | Path],
    folder: str | Path,
    modality: str,
    decode: Decoder | None = None,
    *,
    batch_size: int = 32,
    progress: bool = True,
) -> FeatureCache:
    """Runs a frozen extractor once over all samples of records, and keeps its features.

    They are records of their own: for each sample its id, label, group and features, float32 of
    any shape, in the order of `data`; a sample that lacks the modality lacks the features. Killed
    and called again, the work goes on after the last whole shard of 256 samples. Called again with
    the same extractor, records and settings, it returns at once and the extractor does not run.

    Samples whose modality differs in shape are passed to the extractor one by one, so that nothing
    but their own content is in their features (JAX compiles anew for each shape;
    a `CenterCrop` or an `Array` with a `pad` gives them one shape).

    Args:
        extractor: `keras.Model` whose input is one modality (of text, the tokens) and whose output
            is one array (batch, ...). Nothing in it may be trainable.
        data: A folder that `write_records` wrote, or a list of them, whose ids must differ.
        folder: Where to write. It holds the features of one extractor on one `data`; a folder with
            others is refused.
        modality: The modality to pass to the extractor, and the name of the features.
        decode: How it is decoded, as for `batches`: a decoder that always gives a sample the same
            one value, such as `CenterCrop`, `Tokens` or `Array`; None for the plain way.
        batch_size: Samples per call of the extractor.
        progress: Show a progress bar.

    Returns:
        A `FeatureCache`.

    Raises:
        ValueError: An argument is wrong, the extractor is trainable or gives features that are not
            finite, or `folder` holds features of another extractor (other weights or
            configuration), other records or other settings, or another process writes it.
    """
    folder = Path(folder)
    _check(extractor, batch_size, decode)
    records = RecordSet(data, "data")
    check_rows(records.samples)
    records.formats([modality], "modality")
    decoder = SampleDecoder(records, {modality: decode}, argument="decode")
    settings = {
        "format": _FORMAT,
        "modality": modality,
        "extractor": _config_digest(extractor),
        "weights": _weights_digest(extractor),
        "records": records.fingerprints(),
        "decode": decoder.decoders[modality].key,
    }
    clock = _Clock(folder / "seconds.json")
    work = Work(
        records.samples,
        folder,
        settings,
        {},
        lambda rows: clock.over(_encode(extractor, records, decoder, modality, batch_size, rows)),
        _SHARD_SIZE,
        may_lack=[modality] if records.may_lack(modality) else (),
    )
    index = write_shards(work, progress=progress, unit="sample")
    return FeatureCache(folder, clock.total, index["count"])


class _Clock:
    """Adds up the seconds that shards take, in a file: calls that are killed count too."""

    def __init__(self, path):
        self._path = path

    @property
    def total(self):
        try:
            found = read_json(self._path)
        except ValueError:
            found = None  # damaged: it counts from now on
        seconds = found.get("seconds") if isinstance(found, dict) else None
        return seconds if isinstance(seconds, (int, float)) else 0.0

    def over(self, results):
        start = time.perf_counter()
        yield from results
        write_json(self._path, {"seconds": self.total + time.perf_counter() - start})


def _check(extractor, batch_size, decode):
    if not isinstance(extractor, keras.Model):
        raise ValueError(f"`extractor` must be a keras.Model; received {extractor!r}.")
    if extractor.trainable_variables:
        names = [v.path for v in extractor.trainable_variables[:3]]
        raise ValueError(
            "`extractor` must be frozen (`extractor.trainable = False`): cached features do not "
            f"follow weights that train; received one whose trainable weights include {names}."
        )
    check_positive_int("batch_size", batch_size)
    if not isinstance(decode, (Decoder, type(None))):
        raise ValueError(f"`decode` must be a Decoder or None; received {decode!r}.")
    if decode is not None and (decode.random or decode.ragged or decode.windowed):
        raise ValueError(
            "`decode` must give each sample one value, always the same, such as CenterCrop, Tokens "
            f"or Array; received {decode!r}."
        )


def _digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _config_digest(extractor):
    """A digest of the configuration, whatever the names of its layers.

    Names that Keras numbers ("dense_7") depend on what was built before in the same process.
    """
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(extractor)))
    names = {}

    def number(value):
        if isinstance(value, dict):
            for key, item in sorted(value.items()):
                if key == "name" and isinstance(item, str):
                    names.setdefault(item, f"#{len(names)}")
                number(item)
        elif isinstance(value, list):
            for item in value:
                number(item)

    def renamed(value):
        if isinstance(value, dict):
            return {key: renamed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [renamed(item) for item in value]
        return names.get(value, value) if isinstance(value, str) else value

    number(config)
    return _digest(renamed(config))


def _weights_digest(extractor):
    digest = hashlib.sha256()
    for variable in extractor.weights:
        value = keras.ops.convert_to_numpy(variable)
        digest.update(f"{value.dtype} {value.shape} ".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()[:16]


def _encode(extractor, records, decoder, modality, batch_size, rows):
    """The encoded features of consecutive samples, one after the other."""
    tf = tensorflow()
    decoder.check_files()
    places = {sample["id"]: place for place, sample in enumerate(records.samples)}
    positions = np.array([places[row["id"]] for row in rows])
    there = records.there(modality)[positions]
    dataset = tf.data.Dataset.from_tensor_slices(positions[there]).map(
        as_written(lambda position: decoder.decode(decoder.read(position))[0][modality]),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    one_shape = all(s.shape.is_fully_defined() for s in tf.nest.flatten(dataset.element_spec))
    dataset = dataset.batch(batch_size if one_shape else 1).prefetch(tf.data.AUTOTUNE)
    features = _features(extractor, naming_damage(dataset, decoder.look_again))
    for row, has in zip(rows, there, strict=True):
        value = next(features) if has else None
        if has and not np.isfinite(value).all():
            raise ValueError(
                "`extractor` must give finite features; received NaN or infinity for the "
                f"sample {row['id']!r}."
            )
        yield Encoded(*encode_example(row, {modality: value}, {}))


def _features(extractor, dataset):
    """What an extractor makes of the samples of batches, one after the other."""
    tf = tensorflow()
    for x in dataset.as_numpy_iterator():
        features = extractor.predict_on_batch(x)
        if not isinstance(features, np.ndarray) or len(features) != len(tf.nest.flatten(x)[0]):
            raise ValueError(
                "`extractor` must have one output (batch, ...); received one that gives "
                f"{tf.nest.map_structure(np.shape, features)}."
            )
        yield from features
