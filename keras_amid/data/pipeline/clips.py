"""Which frames of a video are used, and which part of them: training clips and test windows."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from keras_amid.data._tensorflow import tensorflow
from keras_amid.data.pipeline.decoder import Decoder, Field
from keras_amid.data.pipeline.frames import decode_frames, mirror_frames, resize_frames
from keras_amid.data.records.examples import VIDEO_ENCODINGS
from keras_amid.validation.arguments import check_positive_int

if TYPE_CHECKING:
    import tensorflow as tf

_TRIES = 10


@dataclasses.dataclass(frozen=True)
class RandomClip(Decoder):
    """A training clip: consecutive frames from a random start, a random resized crop, a flip.

    The draw is one per clip: all its frames are cropped and flipped alike. A window of the drawn
    area and aspect ratio is placed uniformly; of 10 draws the first that fits is taken, and where
    none does, the largest centred window of the nearest aspect ratio. It is resized bilinearly. The
    last frame of a video with fewer frames than asked is repeated.

    Attributes:
        frames: Frames per clip.
        size: Height and width of the clip, pixels.
        area: (least, most) area of the window, as a fraction of the frame's; uniform.
        aspect_ratio: (least, most) width / height of the window; its logarithm is uniform.
        flip: Mirror left and right with probability 1/2.
    """

    frames: int = 16
    size: int = 112
    area: tuple[float, float] = (0.25, 1.0)
    aspect_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: bool = True

    decodes = "videos"
    random = True
    cache = False  # decoded clips differ in each epoch, and the records are large

    def __post_init__(self):
        for name in ("frames", "size"):
            check_positive_int(name, getattr(self, name))
        for name, most in (("area", 1.0), ("aspect_ratio", float("inf"))):
            pair = tuple(getattr(self, name))
            object.__setattr__(self, name, pair)
            if len(pair) != 2 or not 0 < pair[0] <= pair[1] <= most:
                raise ValueError(
                    f"`{name}` must be (least, most), 0 < least <= most <= {most}; received {pair}."
                )

    def fits(self, encoding: str, shape: tuple[int | None, ...]) -> bool:
        return encoding in VIDEO_ENCODINGS

    def decode(self, field: Field) -> tf.Tensor:
        """Decodes a clip: uint8 (frames, size, size, channels)."""
        tf = tensorflow()
        draws = tf.random.stateless_uniform((4 + 2 * _TRIES,), field.seed)
        start = _integer(draws[0], field.shape[0] - self.frames)
        window = self._window(field.shape, draws[1:3], draws[4:])
        clip = _resized(field, start, self.frames, window, self.size)
        if self.flip:
            clip = tf.cond(draws[3] < 0.5, lambda: mirror_frames(clip), lambda: clip)
        return clip

    def _window(self, shape, places, draws):
        """Top, left, height, width of the window: int32 (4,)."""
        tf = tensorflow()
        height, width = tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32)
        least, most = (tf.math.log(ratio) for ratio in self.aspect_ratio)
        areas = height * width * (self.area[0] + draws[::2] * (self.area[1] - self.area[0]))
        ratios = tf.exp(least + draws[1::2] * (most - least))
        # The largest centred window of the nearest aspect ratio comes last: it always fits.
        nearest = tf.clip_by_value(width / height, *self.aspect_ratio)
        last = [[tf.minimum(height, width / nearest)], [tf.minimum(width, height * nearest)]]
        heights = tf.round(tf.concat([tf.sqrt(areas / ratios), last[0]], axis=0))
        widths = tf.round(tf.concat([tf.sqrt(areas * ratios), last[1]], axis=0))
        fits = (heights >= 1) & (heights <= height) & (widths >= 1) & (widths <= width)
        chosen = tf.argmax(fits)
        places = tf.where(chosen < _TRIES, places, 0.5)
        h, w = (tf.cast(sides[chosen], tf.int64) for sides in (heights, widths))
        top, left = _integer(places[0], shape[1] - h), _integer(places[1], shape[2] - w)
        return tf.cast(tf.stack([top, left, h, w]), tf.int32)


@dataclasses.dataclass(frozen=True)
class Windows(Decoder):
    """All windows of a video, for testing: each is one element of the data set.

    Windows start at 0, stride, 2 stride, ...; a last one ends with the last frame, so that every
    frame is seen (where `stride` <= `frames`) and none is made up: only in a video with fewer
    frames than asked, the last one is repeated. The centred square of the frame, its whole short
    side, is resized bilinearly to `size`: the field of view of the largest training clips, without
    the distortion that fitting the whole frame would bring.

    Attributes:
        frames: Frames per window.
        stride: Frames from a window's start to that of the next.
        size: Height and width of the window, pixels.
        most: Windows of a video at most: where there are more, so many are spread evenly over the
            video. 1: the middle; a sample is then one element, as with other decoders. None: all.
    """

    frames: int = 16
    stride: int = 16
    size: int = 112
    most: int | None = None

    decodes = "videos"
    cache = False  # a test reads them once

    @property
    def windowed(self) -> bool:  # type: ignore[override]
        return self.most != 1

    def __post_init__(self):
        for name in ("frames", "stride", "size", *(["most"] if self.most is not None else [])):
            check_positive_int(name, getattr(self, name))

    def fits(self, encoding: str, shape: tuple[int | None, ...]) -> bool:
        return encoding in VIDEO_ENCODINGS

    def count(self, length: int | tf.Tensor) -> int | tf.Tensor:
        """The number of windows of a video of `length` frames (an integer or a tensor)."""
        extra = length - self.frames
        extra = (extra + abs(extra)) // 2  # at least 0
        count = 1 + (extra + self.stride - 1) // self.stride
        return count if self.most is None else (count + self.most - abs(count - self.most)) // 2

    def starts(self, shape: tf.Tensor) -> tf.Tensor:
        """The first frames of the windows, int64 (windows,), of a video of `shape` (4,)."""
        tf = tensorflow()
        count, extra = self.count(shape[0]), tf.maximum(shape[0] - self.frames, 0)
        places = tf.range(count, dtype=tf.int64)
        starts = tf.minimum(self.stride * places, extra)
        if self.most is None:
            return starts
        whole = dataclasses.replace(self, most=None).count(shape[0])
        return tf.where(whole <= self.most, starts, extra * (2 * places + 1) // (2 * count))

    def decode(self, field: Field) -> tf.Tensor:
        """Decodes the window from frame `field.start` on: uint8 (frames, size, size, channels)."""
        tf = tensorflow()
        start = field.start if self.windowed else self.starts(field.shape)[0]
        height, width = field.shape[1], field.shape[2]
        side = tf.minimum(height, width)
        window = tf.stack([(height - side) // 2, (width - side) // 2, side, side])
        return _resized(field, start, self.frames, tf.cast(window, tf.int32), self.size)


def _resized(field, start, count, window, size):
    """A window of consecutive frames, resized: uint8 (count, size, size, channels)."""
    clip = resize_frames(decode_frames(field, start, count, window), size)
    return tensorflow().ensure_shape(clip, (count, size, size, field.static_shape[-1]))


def _integer(draw, most):
    """A draw from [0, 1) as an integer in 0..most, uniform; 0 where `most` is negative."""
    tf = tensorflow()
    places = tf.cast(tf.maximum(most, 0) + 1, tf.float32)
    return tf.minimum(tf.cast(draw * places, tf.int64), tf.maximum(most, 0))
