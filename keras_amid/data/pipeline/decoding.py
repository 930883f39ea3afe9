"""One sample of a pipeline: what is read of it, and what becomes of each modality."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_amid.data._tensorflow import as_written, tensorflow
from keras_amid.data.pipeline.arrays import Array
from keras_amid.data.pipeline.decoder import Decoder, Field
from keras_amid.data.records.examples import VIDEO_ENCODINGS
from keras_amid.data.records.reading import RecordSet
from keras_amid.validation.damage import is_data_loss

if TYPE_CHECKING:
    import tensorflow as tf

Modalities = Iterable[str] | Mapping[str, Decoder | None]


def named_decoders(modalities: Modalities) -> dict[str, Decoder | None]:
    """Returns `modalities` as a new dict, name -> `Decoder`, or None for the plain way.

    Args:
        modalities: Such a dict, or a list of names, each to be decoded in the plain way.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(modalities, str) or not isinstance(modalities, Iterable) or not modalities:
        raise ValueError(
            "`modalities` must be a list of names, or a dict name -> how it is decoded, not empty; "
            f"received {modalities!r}."
        )
    named = dict(modalities if isinstance(modalities, Mapping) else dict.fromkeys(modalities))
    for name, decoder in named.items():
        if not isinstance(decoder, (Decoder, type(None))):
            raise ValueError(
                f"`modalities[{name!r}]` must be a Decoder, such as RandomClip(), or None for the "
                f"plain way; received {decoder!r}."
            )
    return named


class SampleDecoder:
    """Reads samples of records by position, and decodes them.

    `read` and `decode` are functions to map over a `tf.data.Dataset` of positions.

    Attributes:
        decoders: Dict modality -> `Decoder`.
        random: Whether `decode` needs a seed.
        windowed: The modalities whose decoders make several elements of a sample.
        ragged: List of the modalities that are to be padded within their batch.
        cache: Whether all decoders ask to keep in memory what is the same in every epoch.

    Args:
        records: `RecordSet`.
        decoders: As `named_decoders` gives them.
        with_index: Add `x["index"]`.
        partners, may_lack: As of `batches`.
        argument: What the decoder of a modality is called in messages; "{!r}" stands for its name.

    Raises:
        ValueError: The records lack a modality, or a decoder does not fit its modality.
    """

    def __init__(
        self,
        records: RecordSet,
        decoders: dict[str, Decoder | None],
        *,
        with_index: bool = False,
        partners: Mapping[str, Sequence[int]] | None = None,
        may_lack: Iterable[str] | Mapping[str, Mapping[str, Any]] = (),
        argument: str = "modalities[{!r}]",
    ):
        self.decoders = {name: decoder or Array() for name, decoder in decoders.items()}
        self._with_index = with_index
        self._partners = self._checked(partners or {}, len(records))
        self._absent = dict(may_lack) if isinstance(may_lack, Mapping) else {}
        self._read_sources(records)
        self._there = self._found(set(may_lack))
        for name, decoder in self.decoders.items():
            form = self._forms[name]
            if not decoder.fits(form["encoding"], tuple(form["shape"])):
                raise ValueError(
                    f"`{argument.format(name)}` must be a decoder of {_kind(form)}; received "
                    f"{decoders[name]!r}, a decoder of {decoder.decodes}."
                )
        self.random = any(decoder.random for decoder in self.decoders.values())
        self.ragged = [name for name, decoder in self.decoders.items() if decoder.ragged]
        self.cache = all(decoder.cache for decoder in self.decoders.values())
        self.windowed = self._the_windowed()

    def _checked(self, partners, count):
        checked = {name: np.asarray(places) for name, places in partners.items()}
        for name, places in checked.items():
            if name not in self.decoders or self.decoders[name].windowed:
                raise ValueError(
                    "`partners` must be of modalities that are read, and not by windows; received "
                    f"{name!r}, of {self.decoders}."
                )
            fits = places.shape == (count,) and places.dtype.kind in "iu"
            if not (fits and 0 <= places.min() <= places.max() < count):
                raise ValueError(
                    f"`partners[{name!r}]` must be {count} places in 0..{count - 1}, one for each "
                    f"sample; received {partners[name]!r}."
                )
        return checked

    def _source(self, records, name, decoder):
        """Where the values of a modality lie, as `Decoder.source` says it, of the partners."""
        source, places = decoder.source(records, name), self._partners.get(name)
        if places is None:
            return source
        other, order = source or (records, np.arange(len(records)))
        return other, order[places]

    def _read_sources(self, records):
        sources = {name: self._source(records, name, d) for name, d in self.decoders.items()}
        own = [name for name, source in sources.items() if source is None]
        self._forms = records.formats(own, otherwise=self._absent)
        self._readers = [records.reader(self._forms)]
        self._places = {name: (records, np.arange(len(records))) for name in own}
        self._record_sets = [records]
        self._frame_readers = {
            name: records.frame_reader(name, form)
            for name, form in self._forms.items()
            if form["encoding"] in VIDEO_ENCODINGS
        }
        for name, (other, order) in {n: s for n, s in sources.items() if s is not None}.items():
            form = other.formats([name])
            self._readers.append(other.reader(form, order))
            self._places[name] = (other, order)
            self._record_sets.append(other)
            self._forms = {**self._forms, **form}
            if form[name]["encoding"] in VIDEO_ENCODINGS:
                self._frame_readers[name] = other.frame_reader(name, form[name], order)

    def _found(self, may_lack):
        """Dict modality -> bool array (samples,): which have it; of those that some may lack."""
        if may_lack - set(self.decoders):
            raise ValueError(
                f"`may_lack` must be of modalities that are read, {list(self.decoders)}; received "
                f"{sorted(may_lack)}."
            )
        return {
            name: records.there(name)[order]
            for name, (records, order) in self._places.items()
            if name in may_lack or records.may_lack(name)
        }

    def _the_windowed(self):
        windowed = {name: d for name, d in self.decoders.items() if d.windowed}
        # The n-th windows of several videos are shown together, so they must begin together.
        kinds = {(type(d), getattr(d, "stride", name)) for name, d in windowed.items()}
        if windowed and (len(kinds) > 1 or self.random):
            raise ValueError(
                "`modalities` must have at most one windowed decoder (or several of one stride), "
                f"and no random one beside it; received {self.decoders}."
            )
        return tuple(windowed)

    def check_files(self) -> None:
        """Raises `ValueError` unless the files to read are there and whole."""
        for records in self._record_sets:
            records.check_files()

    def look_again(self, error: Exception) -> None:
        """`check_files` after an error in reading, as `naming_damage` asks for it: where it says
        that a file is damaged, also of those that do not look as if they had changed."""
        for records in self._record_sets:
            records.check_files()
        for records in self._record_sets if is_data_loss(error) else ():
            records.check_files(every=True)

    def settings(self) -> list[Any]:
        """JSON values that, with the records, say what `decode` makes."""
        settings = [[[name, d.key] for name, d in self.decoders.items()], self._with_index]
        partners = [[name, places.tolist()] for name, places in self._partners.items()]
        masked = [["present", sorted(self._there)]] if self._there else []
        return [*settings, *([partners] if partners else []), *masked]

    def read(self, position: tf.Tensor) -> dict[str, Any]:
        """Reads the sample at a position () int64 -> nested tensors: what `decode` takes."""
        (fields, label), *others = [read(position) for read in self._readers]
        for other, _ in others:
            fields.update(other)
        return {"position": position, "label": label, "fields": fields}

    def load(self, position: tf.Tensor) -> dict[str, Any]:
        """Reads as `read` does, and all encoded frames of videos."""
        sample = self.read(position)
        sample["frames"] = {}
        for name, read in self._frame_readers.items():
            last = sample["fields"][name][1][0] - 1
            sample["frames"][name] = read(position, tensorflow().zeros_like(last), last)
        return sample

    def windows_of(self, sample: dict[str, Any]) -> tf.data.Dataset:
        """The data set of a sample's windows: (sample, where each modality's window begins).

        As many as that of most has; a modality that has fewer shows its last one again.
        """
        tf = tensorflow()
        starts = []
        for name in self.windowed:
            windows: Any = self.decoders[name]
            starts.append(windows.starts(sample["fields"][name][1]))
        most = tf.reduce_max([tf.size(each) for each in starts])
        together = tf.stack(
            [tf.gather(each, tf.minimum(tf.range(most), tf.size(each) - 1)) for each in starts],
            axis=1,
        )
        dataset = tf.data.Dataset.from_tensor_slices(together)
        return dataset.map(as_written(lambda start: (sample, start)))

    def count(self, sample: dict[str, Any]) -> int:
        """The number of windows of a sample, an entry of the records."""
        counts = []
        for name in self.windowed:
            windows: Any = self.decoders[name]
            known = sample["lengths"].get(name)
            length = self._forms[name]["stand_in"][0] if known is None else known
            counts.append(windows.count(length))
        return max(counts)

    def decode(
        self,
        sample: dict[str, Any],
        seed: tf.Tensor | None = None,
        start: tf.Tensor | None = None,
    ) -> tuple[dict[str, Any], tf.Tensor]:
        """Decodes what `read` or `load` read; frames that are not there are read now.

        Args:
            sample: As `read` or `load` returns it.
            seed: int64 tensor (), of the epoch; None where nothing is random.
            start: int64 tensor (windowed,), where the window of each of `windowed` begins; None
                where nothing is windowed.

        Returns:
            (x, y): dict modality -> tensor, and int32 label (). Where samples may lack modalities,
            `x["present"]` is a dict modality -> bool (), and what is missing is zeros.
        """
        tf = tensorflow()
        x = {
            name: decoder.decode(self._field(name, sample, seed, start))
            for name, decoder in self.decoders.items()
        }
        if self._there:
            x["present"] = {
                name: tf.constant(there)[sample["position"]] for name, there in self._there.items()
            }
            x |= {name: _zeros_unless(there, x[name]) for name, there in x["present"].items()}
        if self._with_index:
            x["index"] = tf.cast(sample["position"], tf.int32)
        return x, sample["label"]

    def _field(self, name, sample, seed, start):
        tf = tensorflow()

        def frames(first, last):
            if "frames" in sample:
                return sample["frames"][name][first : last + 1]
            return self._frame_readers[name](sample["position"], first, last)

        if seed is not None:
            # The draws of one modality do not depend on which others are asked for.
            seed = tf.stack([seed + zlib.crc32(name.encode()), sample["position"]])
        if start is not None:
            start = start[self.windowed.index(name) if name in self.windowed else 0]
        form, (encoded, shape) = self._forms[name], sample["fields"][name]
        return Field(form["encoding"], tuple(form["shape"]), encoded, shape, frames, seed, start)


def _zeros_unless(there, value):
    """A decoded value, or zeros like it; a tensor or a dict of tensors."""
    tf = tensorflow()
    return tf.nest.map_structure(lambda v: tf.where(there, v, tf.zeros_like(v)), value)


def _kind(form):
    """What a modality is, in words, with an example of what decodes it."""
    if form["encoding"] == "utf-8":
        return "text, such as Tokens(vocabulary)"
    if form["encoding"] in VIDEO_ENCODINGS:
        return "videos, such as RandomClip() or Array()"
    return f"arrays of shape {tuple(form['shape'])}, such as Array()"
