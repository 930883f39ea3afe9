"""The ripple tank's generator: latents -> what is seen, what is heard, what is said.

An event excites waves in a tank; they are seen and heard. Background ripples are seen but silent,
and larger. All that a seed fixes (prototypes, gratings, mixing matrices) is a *world*.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_amid.validation.scalars import check_int

LATENTS = 6
CLASSES = 40
FINE_CLASSES = 100
MARGIN = 0.2  # by which a clip's best class score leads the second
CELLS = (4, 8, 8)  # of the picture: time, height, width
SIGNAL_WAVES, NOISE_WAVES = 64, 40
BACKGROUND = 6.0
PICTURE_NOISE = 0.4
SOUND_NOISE = 0.1
TONES = 32

SECONDS = 0.5
FRAMES = 8
FPS = FRAMES / SECONDS
PIXELS = 64
GRAY, GRAY_STEP = 128, 9.0
SAMPLE_RATE = 16000
SAMPLES = int(SECONDS * SAMPLE_RATE)
TONE_HERTZ = np.geomspace(200.0, 6000.0, TONES)
TONE_SCALE = 0.35  # amplitude 10 ** (0.35 u)
GAIN = 0.01

_THINGS = "pebble marble brick cork coin droplet paddle piston bubble feather".split()
_EVENTS = "dropped tapped shaken dragged spun rolled struck pushed lifted released".split()
_DRAW = 4096  # latents drawn at a time: fixed, so that a smaller split is a prefix of a larger one
_STREAMS = {"train": 1, "validation": 2, "test": 3, "sounds": 4}


def class_names() -> list[str]:
    """The names of the 40 classes."""
    return [f"event {number:02d}" for number in range(CLASSES)]


def fine_class_names() -> list[str]:
    """The names of the 100 fine classes: the captions."""
    return [f"{thing} {event}" for thing in _THINGS for event in _EVENTS]


@dataclasses.dataclass(frozen=True)
class Events:
    """What a world's events are, and how they look and sound; n events.

    Attributes:
        latents: float64 (n, 6).
        labels: int64 (n,), classes 0..39.
        fine_labels: int64 (n,), fine classes 0..99.
        frames: float64 (n, 8, 8, 8): the drifting picture: frame, cell row, cell column. Its means
            over pairs of frames are `pictures`.
        amplitudes: float64 (n, 32), log-amplitudes of the tones.
        phases: float64 (n, 32), radians.
    """

    latents: np.ndarray
    labels: np.ndarray
    fine_labels: np.ndarray
    frames: np.ndarray
    amplitudes: np.ndarray
    phases: np.ndarray

    @property
    def pictures(self) -> np.ndarray:
        """float64 (n, 4, 8, 8): the 256 values of the picture: time, cell row, cell column."""
        count = len(self.frames)
        return self.frames.reshape(count, CELLS[0], -1, *CELLS[1:]).mean(axis=2)


class World:
    """All that one seed fixes.

    Args:
        seed: Integer >= 0.
    """

    def __init__(self, seed: int):
        self.seed = check_int("seed", seed, 0)
        rng = np.random.default_rng([seed, 0])
        self._prototypes = _directions(rng, CLASSES)
        self._fine_prototypes = _directions(rng, FINE_CLASSES)
        self._to_waves = rng.normal(0, LATENTS**-0.5, (LATENTS, SIGNAL_WAVES))
        self._to_hidden = rng.normal(0, LATENTS**-0.5, (LATENTS, TONES))
        self._to_tones = rng.normal(0, TONES**-0.5, (TONES, TONES))
        self._signal_waves = _gratings(rng, SIGNAL_WAVES)
        self._noise_waves = _gratings(rng, NOISE_WAVES)

    def draw(self, split: str, count: int) -> Events:
        """Draws the first `count` events of a split: a function of (seed, split) alone.

        Args:
            split: "train", "validation", "test" or "sounds".
            count: Number of events; fewer are a prefix of more (but for rounding).

        Returns:
            `Events`.
        """
        if split not in _STREAMS:
            raise ValueError(f"`split` must be one of {list(_STREAMS)}; received {split!r}.")
        rngs = [np.random.default_rng([self.seed, _STREAMS[split], part]) for part in range(5)]
        z = self._latents(rngs[0], count)
        background = np.tanh(rngs[1].normal(size=(count, NOISE_WAVES)))
        speckle = PICTURE_NOISE * rngs[2].normal(size=(count, *CELLS))
        hiss = SOUND_NOISE * rngs[3].normal(size=(count, TONES))
        phases = rngs[4].uniform(0, 2 * np.pi, (count, TONES))
        return Events(
            latents=z,
            labels=np.argmax(z @ self._prototypes.T, axis=1),
            fine_labels=np.argmax(z @ self._fine_prototypes.T, axis=1),
            frames=self._frames(np.tanh(z @ self._to_waves), background, speckle),
            amplitudes=np.tanh(z @ self._to_hidden) @ self._to_tones + hiss,
            phases=phases,
        )

    def _latents(self, rng, count):
        kept = [np.empty((0, LATENTS))]
        while sum(map(len, kept)) < count:
            z = rng.normal(size=(_DRAW, LATENTS))
            scores = np.sort(z @ self._prototypes.T, axis=1)
            kept.append(z[scores[:, -1] - scores[:, -2] > MARGIN])
        return np.concatenate(kept)[:count]

    def _frames(self, signal, background, speckle):
        """The waves drift from frame to frame; the mean over a cell's frames is the cell's value.

        The value is that of the waves at the cell's own time t = 0, 1/4, 1/2, 3/4, plus its noise.
        """

        def waves(frames):
            return (
                signal @ self._signal_waves(frames) / SIGNAL_WAVES**0.5
                + BACKGROUND * background @ self._noise_waves(frames) / NOISE_WAVES**0.5
            ).reshape(len(signal), CELLS[0], -1, *CELLS[1:])

        drifting = waves(FRAMES)
        cells = waves(CELLS[0]) + speckle[:, :, np.newaxis]
        frames = cells + drifting - drifting.mean(axis=2, keepdims=True)
        return frames.reshape(len(signal), FRAMES, *CELLS[1:])


def render_video(frames: np.ndarray) -> np.ndarray:
    """Renders an event's picture.

    Args:
        frames: float (8, 8, 8), one event of `Events.frames`.

    Returns:
        uint8 (8, 64, 64, 1): gray = 128 + 9 x value, each cell a square of 8 x 8 pixels.
    """
    gray = np.clip(np.round(GRAY + GRAY_STEP * frames), 0, 255).astype(np.uint8)
    side = PIXELS // CELLS[-1]
    return gray.repeat(side, axis=1).repeat(side, axis=2)[..., np.newaxis]


def picture_values(video: np.ndarray) -> np.ndarray:
    """Undoes `render_video`: the mean of each cell over its pixels and frames.

    Args:
        video: uint8 (..., 8, 64, 64, 1).

    Returns:
        float64 (..., 4, 8, 8), in the units of `Events.pictures`.
    """
    side, span = PIXELS // CELLS[-1], FRAMES // CELLS[0]
    cells = video.reshape(*video.shape[:-4], CELLS[0], span, CELLS[1], side, CELLS[2], side)
    return (cells.mean(axis=(-5, -3, -1), dtype="float64") - GRAY) / GRAY_STEP


def render_sound(amplitudes: np.ndarray, phases: np.ndarray) -> np.ndarray:
    """Renders the sound of an event.

    Args:
        amplitudes: float (32,), log-amplitudes u; the tones have the amplitudes 10^(0.35 u).
        phases: float (32,), radians.

    Returns:
        float32 (8000,): 0.5 s at 16 kHz.
    """
    levels = GAIN * 10 ** (TONE_SCALE * amplitudes)
    sound = (levels * np.cos(phases)) @ _SINES + (levels * np.sin(phases)) @ _COSINES
    return sound.astype("float32")


def _directions(rng, count):
    vectors = rng.normal(size=(count, LATENTS))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _gratings(rng, count):
    """Drifting gratings: a function of the number of frames that gives (count, values)."""
    fx, fy = rng.uniform(-3, 3, (2, count, 1, 1, 1))
    drift = rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], (count, 1, 1, 1))
    phase = rng.uniform(0, 2 * np.pi, (count, 1, 1, 1))

    def at(frames):
        t, v, u = (np.arange(n) / n for n in (frames, *CELLS[1:]))
        t, v, u = t[:, None, None], v[:, None], u
        waves = np.cos(2 * np.pi * (fx * u + fy * v + drift * t) + phase)
        return np.sqrt(2) * waves.reshape(count, -1)

    return at


_TIMES = np.arange(SAMPLES) / SAMPLE_RATE
_SINES = np.sin(2 * np.pi * TONE_HERTZ[:, None] * _TIMES)
_COSINES = np.cos(2 * np.pi * TONE_HERTZ[:, None] * _TIMES)
