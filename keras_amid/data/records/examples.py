"""One sample <-> `tf.train.Example`s: both directions beside each other.

The first example of a sample has the fields `id` (bytes), `label` (int64), `group` (bytes, where
the sample has one) and for each modality that it does not lack `<name>`, with `<name>/shape`
(int64) where it is an array. By encoding:

    png, jpeg    one picture a frame; uint8 (frames, height, width, channels)
    raw          the bytes of each frame; the same
    pcm16        little-endian 16-bit integers; a sound in [-1, 1], (samples,)
    float32      little-endian; an array of any shape
    utf-8        text, no shape

The frames of a video are not in it but follow, 16 to an example (`id`, `video`): a training clip of
a long video then reads what it needs and no more. Those of a second video follow those of the
first.
"""

import numpy as np

from keras_amid.data._tensorflow import tensorflow

VIDEO_ENCODINGS = ("png", "jpeg", "raw")
AUDIO_ENCODINGS = ("pcm16", "float32")
_RESERVED = ("id", "label", "group", "index", "present")
FRAMES_AN_EXAMPLE = 16
_JPEG_QUALITY = 95
_PCM_SCALE = 32768.0


def encode_example(row, values, encodings):
    """Serializes a sample.

    Args:
        row: Dict with `id` (str), `label` (int) and where there is one `group` (str).
        values: Dict modality -> value, as in the table above; numeric arrays become float32. None:
            the sample lacks it.
        encodings: Dict modality -> encoding; "float32" for those it lacks.

    Returns:
        The serialized examples (tuple of bytes), and the dict modality -> shape, or None.
    """
    tf = tensorflow()
    frames = []
    features = {"id": _bytes(tf, [row["id"].encode()]), "label": _ints(tf, [row["label"]])}
    if row.get("group") is not None:
        features["group"] = _bytes(tf, [row["group"].encode()])
    shapes = {}
    for name, value in values.items():
        encoding = encodings.get(name, "float32")
        if name in _RESERVED or "/" in name:
            raise ValueError(
                f"`read` must return modalities with names other than {_RESERVED} and without "
                f"'/'; received {name!r}."
            )
        if value is None:
            shapes[name] = None
            continue
        if encoding == "utf-8":
            features[name], shapes[name] = _bytes(tf, [_text(name, value, row["id"])]), ()
            continue
        value = _checked(name, np.asarray(value), encoding, row["id"])
        features[f"{name}/shape"] = _ints(tf, value.shape)
        shapes[name] = value.shape
        if encoding in VIDEO_ENCODINGS:
            pictures = _encode_pictures(tf, value, encoding)
            for first in range(0, len(pictures), FRAMES_AN_EXAMPLE):
                some = pictures[first : first + FRAMES_AN_EXAMPLE]
                frames.append({"id": features["id"], name: _bytes(tf, some)})
        else:
            features[name] = _bytes(tf, [_encode_array(value, encoding)])
    examples = [
        tf.train.Example(features=tf.train.Features(feature=fields))
        for fields in (features, *frames)
    ]
    # Without `deterministic` the order of the fields changes from process to process.
    return tuple(example.SerializeToString(deterministic=True) for example in examples), shapes


def fields_parser(formats):
    """Returns the TensorFlow function that takes a first example apart, without decoding.

    Args:
        formats: Dict modality -> {"encoding", "shape"}, as `RecordSet.formats` gives it, where a
            sample may lack it with "stand_in": the shape of the zeros in its place. Other
            modalities of the records are skipped.

    Returns:
        Function: serialized example () -> (id, dict modality -> (encoded, shape), int32 label ()).
        `encoded` is a string tensor (), empty for a video; `shape` int64 (dimensions,), of text
        (0,).
    """
    tf = tensorflow()
    spec = {
        "id": tf.io.FixedLenFeature((), tf.string),
        "label": tf.io.FixedLenFeature((), tf.int64),
    }
    for name, form in formats.items():
        stand_in = form.get("stand_in")
        default = "" if form["encoding"] in VIDEO_ENCODINGS else None
        if stand_in is not None and default is None:
            default = encoded_zeros(form)
        spec[name] = tf.io.FixedLenFeature((), tf.string, default)
        if form["encoding"] != "utf-8":
            size = (len(form["shape"]),)
            spec[f"{name}/shape"] = tf.io.FixedLenFeature(size, tf.int64, stand_in)

    def parse(serialized):
        fields = tf.io.parse_single_example(serialized, spec)
        encoded = {}
        for name in formats:
            encoded[name] = (fields[name], fields.get(f"{name}/shape", tf.constant([], tf.int64)))
        return fields["id"], encoded, tf.cast(fields["label"], tf.int32)

    return parse


def encoded_zeros(form):
    """Zeros of the shape "stand_in" of a format, encoded; of a video a frame, of a text none."""
    encoding, shape = form["encoding"], form["stand_in"]
    if encoding == "utf-8":
        return b""
    if encoding in VIDEO_ENCODINGS:
        return _encode_pictures(tensorflow(), np.zeros((1, *shape[1:]), "uint8"), encoding)[0]
    return _encode_array(np.zeros(shape), encoding)


def parse_frames(serialized, name):
    """Takes a video's examples (examples,) apart.

    Returns:
        The ids of their samples, string (examples,), and the encoded frames, string (frames,).
    """
    tf = tensorflow()
    spec = {"id": tf.io.FixedLenFeature((), tf.string), name: tf.io.VarLenFeature(tf.string)}
    fields = tf.io.parse_example(serialized, spec)
    return fields["id"], fields[name].values


def decode_field(encoded, shape, encoding, static_shape):
    """Undoes the encoding of a modality other than a video, as a TensorFlow operation.

    Args:
        encoded: String tensor, as `fields_parser` gives it.
        shape: int64 tensor, likewise.
        encoding: How the modality is kept.
        static_shape: Its shape, None in dimensions in which samples differ.

    Returns:
        Tensor of the static shape: float32 or string.
    """
    tf = tensorflow()
    if encoding == "utf-8":
        return encoded
    if encoding == "pcm16":
        value = tf.cast(tf.io.decode_raw(encoded, tf.int16), tf.float32) / _PCM_SCALE
    else:
        value = tf.reshape(tf.io.decode_raw(encoded, tf.float32), shape)
    return tf.ensure_shape(value, static_shape)


def _bytes(tf, values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _ints(tf, values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _text(name, value, sample):
    try:
        return value.encode()
    except (AttributeError, UnicodeEncodeError) as error:
        raise ValueError(
            f"`read` must return {name} as a str of whole characters; for sample {sample!r} it "
            f"returned {value!r}."
        ) from error


def _checked(name, value, encoding, sample):
    if encoding in VIDEO_ENCODINGS:
        wanted = "uint8 (frames, height, width, 1 or 3)"
        good = value.dtype == np.uint8 and value.ndim == 4 and value.shape[-1] in (1, 3)
    else:
        wanted = "a numeric array"
        good = np.issubdtype(value.dtype, np.number) and not np.iscomplexobj(value)
    if not good or not value.size:
        raise ValueError(
            f"`read` must return {name} as {wanted}, not empty; for sample {sample!r} it "
            f"returned {value.dtype} of shape {value.shape}."
        )
    return value


def _encode_array(value, encoding):
    if encoding == "pcm16":
        scaled = np.clip(np.round(value * _PCM_SCALE), -_PCM_SCALE, _PCM_SCALE - 1)
        return scaled.astype("<i2").tobytes()
    return value.astype("<f4").tobytes()


def _encode_pictures(tf, value, encoding):
    if encoding == "raw":
        return [frame.tobytes() for frame in value]
    with tf.device("CPU:0"):
        if encoding == "png":
            return [tf.io.encode_png(frame).numpy() for frame in value]
        return [tf.io.encode_jpeg(frame, quality=_JPEG_QUALITY).numpy() for frame in value]
