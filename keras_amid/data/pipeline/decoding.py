"""One sample of a pipeline: what is read of it, and what becomes of each modality."""

import zlib

from keras_amid.data._tensorflow import tensorflow
from keras_amid.data.pipeline.audio import RandomCrop
from keras_amid.data.pipeline.clips import RandomClip, Windows
from keras_amid.data.pipeline.frames import decode_video
from keras_amid.data.records.examples import VIDEO_ENCODINGS, decode_field, fields_parser
from keras_amid.data.records.reading import RecordSet, feature_positions


class SampleDecoder:
    """Reads samples of `records` by position, and decodes them.

    The arguments are those of `batches`; settings of modalities that are not asked for play no
    part. `read` and `decode` are TensorFlow functions to map over a data set of positions.

    Attributes:
        random: Whether `decode` needs a seed.
        windows: The `Windows`, or None.
        ragged: Modalities that have to be padded within their batch.
    """

    def __init__(
        self,
        records,
        modalities,
        *,
        clips=None,
        sound=None,
        features=None,
        augment=None,
        pad=None,
        tokenize=None,
        with_index=False,
    ):
        known = {name for index in records.indexes for name in index["modalities"]}
        known |= set(features or {})
        for argument, value in (("pad", pad), ("augment", augment)):
            if set(value or {}) - known:
                raise ValueError(
                    f"`{argument}` must have keys among {sorted(known)}, received {value!r}."
                )
        self._names = tuple(modalities)
        self._with_index = with_index
        self._features = {
            name: RecordSet(folders, "features")
            for name, folders in (features or {}).items()
            if name in modalities
        }
        self._read_sources(records)
        self._clips = clips if self._own("video") else None
        self._sound = sound if self._own("audio") else None
        self._augment = {k: v for k, v in (augment or {}).items() if k in modalities}
        self._pad = {k: v for k, v in (pad or {}).items() if k in modalities}
        self._tokenize = tokenize if self._own("text") else None
        self.windows = self._clips if isinstance(self._clips, Windows) else None
        self.ragged = [name for name, length in self._pad.items() if length is None]
        self.random = (
            isinstance(self._clips, RandomClip)
            or isinstance(self._sound, RandomCrop)
            or bool(self._augment)
        )

    def _own(self, name):
        return name in self._names and name not in self._features

    def _read_sources(self, records):
        own = [name for name in self._names if name not in self._features]
        self.formats = records.formats(own)
        self._sources = [(records.reader(), fields_parser(self.formats))]
        self._read_frames = records.frame_reader("video")
        for name, features in self._features.items():
            form = features.formats([name], "features")
            order = feature_positions(records, features, name)
            self._sources.append((features.reader(order), fields_parser(form)))
            self.formats = {**self.formats, **form}

    def settings(self):
        """JSON values that, with the records, say what `decode` makes."""
        made_from = {name: f.fingerprints() for name, f in self._features.items()}
        parts = (self._clips, self._sound, self._augment, sorted(self._pad.items()))
        return [self._names, made_from, *map(repr, parts), self._with_index]

    def read(self, position):
        """Reads the sample at a position () int64 -> nested tensors: what `decode` takes."""
        (read, parse), *features = self._sources
        fields, label = parse(read(position))
        for read_features, parse_features in features:
            fields.update(parse_features(read_features(position))[0])
        return {"position": position, "label": label, "fields": fields}

    def load(self, position):
        """Reads as `read` does, and all that the video has of encoded frames."""
        sample = self.read(position)
        if self._clips is not None:
            last = sample["fields"]["video"][1][0] - 1
            sample["pictures"] = self._read_frames(position, tensorflow().zeros_like(last), last)
        return sample

    def windows_of(self, sample):
        """The data set of a sample's windows: (sample, first frame)."""
        tf = tensorflow()
        starts = self.windows.starts(sample["fields"]["video"][1])
        return tf.data.Dataset.from_tensor_slices(starts).map(lambda start: (sample, start))

    def decode(self, sample, seed=None, start=None):
        """Decodes what `read` or `load` read; frames that are not there are read now.

        Args:
            sample: As `read` or `load` returns it.
            seed: int64 tensor (), of the epoch; None where nothing is random.
            start: First frame of the window, with `Windows`.

        Returns:
            (x, y): dict modality -> tensor, and int32 label ().
        """
        tf = tensorflow()
        x = {}
        for name in self._names:
            own = None
            if seed is not None:
                # The draws of one modality do not depend on which others are asked for.
                own = tf.stack([seed + zlib.crc32(name.encode()), sample["position"]])
            x[name] = self._decode(name, sample, own, start)
        if self._with_index:
            x["index"] = tf.cast(sample["position"], tf.int32)
        return x, sample["label"]

    def _decode(self, name, sample, seed, start):
        form = self.formats[name]
        encoded, shape = sample["fields"][name]
        if form["encoding"] in VIDEO_ENCODINGS:
            value = self._decode_video(sample, shape, form, seed if start is None else start)
        elif name == "audio" and self._sound is not None:
            value = self._sound.decode(encoded, shape, form, seed)
        else:
            value = decode_field(encoded, shape, form)
        if name == "text" and self._tokenize is not None:
            value = self._tokenize(value)
        if name in self._augment:
            value = self._augment[name].apply(value, seed + 1)
        if self._pad.get(name) is not None:
            value = _to_length(value, self._pad[name])
        return value

    def _decode_video(self, sample, shape, form, seed_or_start):
        def pictures(first, last):
            if "pictures" in sample:
                return sample["pictures"][first : last + 1]
            return self._read_frames(sample["position"], first, last)

        if self._clips is not None:
            return self._clips.decode(pictures, shape, form, seed_or_start)
        tf = tensorflow()
        value = decode_video(pictures(tf.zeros_like(shape[0]), shape[0] - 1), shape, form)
        return tf.ensure_shape(value, form["shape"])


def _to_length(value, length):
    """Cuts a tensor to `length` rows, or adds rows of zeros."""
    tf = tensorflow()
    value = value[:length]
    missing = [[0, length - tf.shape(value)[0]]] + [[0, 0]] * (value.shape.rank - 1)
    return tf.ensure_shape(tf.pad(value, missing), (length, *value.shape[1:]))
