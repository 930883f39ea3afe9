"""Some frames of an encoded video: only these, and only their window, are read and decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_amid.data._tensorflow import tensorflow

if TYPE_CHECKING:
    import tensorflow as tf

# Equal to what other decoders give but for colours, which are not interpolated between pixels: a
# fifth faster, and a window then equals the same part of the whole picture.
_JPEG = {"dct_method": "INTEGER_ACCURATE", "fancy_upscaling": False}


def decode_frames(field: Any, start: tf.Tensor, count: int, window: tf.Tensor) -> tf.Tensor:
    """Decodes a window of `count` consecutive frames; past the last one, the last is repeated.

    Args:
        field: `keras_amid.data.pipeline.decoder.Field` of a video.
        start: int64 tensor (), the first frame.
        count: Integer, the number of frames.
        window: int32 tensor (4,): top, left, height, width, in pixels.

    Returns:
        uint8 tensor (count, window height, window width, channels).
    """
    tf = tensorflow()
    frames = tf.minimum(start + tf.range(count, dtype=tf.int64), field.shape[0] - 1)
    encoded = tf.gather(field.frames(frames[0], frames[-1]), frames - frames[0])
    channels = field.static_shape[-1]
    if field.encoding == "jpeg":
        # Written out instead of mapped: a loop costs about a tenth of the decoding.
        return tf.stack(
            [
                tf.io.decode_and_crop_jpeg(picture, window, channels, **_JPEG)
                for picture in tf.unstack(encoded, num=count)
            ]
        )
    decoded = _decode_whole(field, encoded, tf.concat([[count], field.shape[1:]], 0))
    top, left, height, width = tf.unstack(window)
    cut = decoded[:, top : top + height, left : left + width]
    return tf.ensure_shape(cut, (count, None, None, channels))


def decode_video(field: Any) -> tf.Tensor:
    """Decodes a whole video.

    Args:
        field: `keras_amid.data.pipeline.decoder.Field` of a video.

    Returns:
        uint8 tensor (frames, height, width, channels).
    """
    encoded = field.frames(tensorflow().zeros_like(field.shape[0]), field.shape[0] - 1)
    value = _decode_whole(field, encoded, field.shape)
    return tensorflow().ensure_shape(value, field.static_shape)


def _decode_whole(field, encoded, shape):
    """Decodes whole frames, string (frames,), to uint8 of `shape`, int64 (4,)."""
    tf = tensorflow()
    channels = field.static_shape[-1]
    if field.encoding == "raw":
        return tf.reshape(tf.io.decode_raw(encoded, tf.uint8), shape)

    def decode(picture):
        if field.encoding == "jpeg":
            return tf.io.decode_jpeg(picture, channels, **_JPEG)
        return tf.io.decode_png(picture, channels)

    frames = tf.map_fn(decode, encoded, fn_output_signature=tf.uint8)
    return tf.ensure_shape(frames, (None, None, None, channels))


def resize_frames(frames: tf.Tensor, size: int) -> tf.Tensor:
    """Resizes frames to `size` x `size` pixels, bilinear, half-pixel centres, no antialiasing.

    Args:
        frames: uint8 tensor (frames, height, width, channels).
        size: Integer, pixels.

    Returns:
        uint8 tensor (frames, size, size, channels), rounded.
    """
    tf = tensorflow()
    # + 0.5 and truncation round; added before, where it costs least. Floats are resized faster.
    frames = tf.cast(frames, tf.float32) + 0.5
    return tf.cast(tf.image.resize(frames, (size, size)), tf.uint8)


def mirror_frames(frames: tf.Tensor) -> tf.Tensor:
    """Mirrors frames left and right: uint8 (frames, size, size, channels)."""
    tf = tensorflow()
    count, height, width, channels = frames.shape
    # Three dimensions, because TensorFlow is several times faster on them than on four.
    rows = tf.reshape(frames, (count * height, width, channels))
    return tf.reshape(tf.reverse(rows, [1]), frames.shape)
