"""One sample <-> one `tf.train.Example`: both directions beside each other.

Fields: `id` (bytes), `label` (int64), `video` (one PNG or JPEG a frame, or the raw bytes of all)
with `video_shape` (frames, height, width, channels), `audio` (little-endian 16-bit integers or
float32), `text` (UTF-8 bytes).
"""

import numpy as np

from keras_amid.data._tensorflow import tensorflow

VIDEO_ENCODINGS = ("png", "jpeg", "raw")
AUDIO_ENCODINGS = ("pcm16", "float32")
MODALITIES = ("video", "audio", "text")
_JPEG_QUALITY = 95
_PCM_SCALE = 32768.0


def encode_example(row, values, video, audio):
    """Serializes a sample.

    Args:
        row: Dict with `id` (str) and `label` (int).
        values: Dict modality -> value: `video` uint8 (frames, height, width, 1 or 3), `audio`
            floating point (samples,) in [-1, 1], `text` str.
        video: "png" or "raw" (lossless), or "jpeg".
        audio: "pcm16" or "float32".

    Returns:
        The serialized example (bytes), and the dict modality -> shape.
    """
    tf = tensorflow()
    features = {"id": _bytes(tf, [row["id"].encode()]), "label": _ints(tf, [row["label"]])}
    shapes = {}
    for name, value in values.items():
        if name == "text":
            features["text"] = _bytes(tf, [value.encode()])
            shapes["text"] = ()
            continue
        value = _checked(name, value, row["id"])
        shapes[name] = value.shape
        if name == "audio":
            features["audio"] = _bytes(tf, [_encode_audio(value, audio)])
        else:
            features["video"] = _bytes(tf, _encode_video(tf, value, video))
            features["video_shape"] = _ints(tf, value.shape)
    example = tf.train.Example(features=tf.train.Features(feature=features))
    # Without `deterministic` the order of the fields changes from process to process.
    return example.SerializeToString(deterministic=True), shapes


def example_parser(formats, modalities):
    """Returns the TensorFlow function that undoes `encode_example`.

    Args:
        formats: Dict modality -> {"encoding", "shape"}, as the index of the records has it.
        modalities: The modalities to decode; the others are skipped.

    Returns:
        Function: serialized example () -> (dict modality -> tensor, int32 label ()). `video` is
        uint8 (frames, height, width, channels), `audio` float32 (samples,), `text` a string.
    """
    tf = tensorflow()
    spec = {"label": tf.io.FixedLenFeature((), tf.int64)}
    for name in modalities:
        spec[name] = tf.io.FixedLenFeature((), tf.string)
    if "video" in modalities:
        spec["video"] = tf.io.VarLenFeature(tf.string)
        spec["video_shape"] = tf.io.FixedLenFeature((4,), tf.int64)

    def parse(serialized):
        fields = tf.io.parse_single_example(serialized, spec)
        outputs = {}
        for name in modalities:
            value = fields[name]
            if name == "video":
                value = _decode_video(tf, value.values, fields["video_shape"], formats["video"])
            elif name == "audio":
                value = _decode_audio(tf, value, formats["audio"])
            outputs[name] = value
        return outputs, tf.cast(fields["label"], tf.int32)

    return parse


def _bytes(tf, values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _ints(tf, values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _checked(name, value, sample):
    if name not in MODALITIES:
        raise ValueError(f"`read` must return modalities of {MODALITIES}, received {name!r}.")
    value = np.asarray(value)
    if name == "video":
        good = value.dtype == np.uint8 and value.ndim == 4 and value.shape[-1] in (1, 3)
    else:
        good = np.issubdtype(value.dtype, np.floating) and value.ndim == 1
    if not good or not value.size:
        wanted = {"video": "uint8 (frames, height, width, 1 or 3)", "audio": "floating (samples,)"}
        raise ValueError(
            f"`read` must return {name} as {wanted[name]}, not empty; for sample {sample!r} it "
            f"returned {value.dtype} of shape {value.shape}."
        )
    return value


def _encode_video(tf, frames, encoding):
    if encoding == "raw":
        return [frames.tobytes()]
    with tf.device("CPU:0"):
        if encoding == "png":
            return [tf.io.encode_png(frame).numpy() for frame in frames]
        return [tf.io.encode_jpeg(frame, quality=_JPEG_QUALITY).numpy() for frame in frames]


def _decode_video(tf, encoded, shape, form):
    if form["encoding"] == "raw":
        frames = tf.reshape(tf.io.decode_raw(encoded[0], tf.uint8), shape)
    else:
        channels = form["shape"][-1]
        decode = {"png": tf.io.decode_png, "jpeg": tf.io.decode_jpeg}[form["encoding"]]
        frames = tf.map_fn(
            lambda frame: decode(frame, channels=channels), encoded, fn_output_signature=tf.uint8
        )
    return tf.ensure_shape(frames, form["shape"])


def _encode_audio(samples, encoding):
    if encoding == "float32":
        return samples.astype("<f4").tobytes()
    scaled = np.clip(np.round(samples * _PCM_SCALE), -_PCM_SCALE, _PCM_SCALE - 1)
    return scaled.astype("<i2").tobytes()


def _decode_audio(tf, encoded, form):
    if form["encoding"] == "float32":
        samples = tf.io.decode_raw(encoded, tf.float32)
    else:
        samples = tf.cast(tf.io.decode_raw(encoded, tf.int16), tf.float32) / _PCM_SCALE
    return tf.ensure_shape(samples, form["shape"])
