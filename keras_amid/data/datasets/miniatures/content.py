"""What the miniatures show and sound like, and how their files are spoiled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_amid.validation.scalars import check_int

_NOISE = 12  # gray levels
_FASTEST = 3.0  # turns of a pattern's phase a second


def pattern(
    label: int,
    seed: int | Sequence[int],
    seconds: float,
    fps: float = 25,
    size: tuple[int, int] = (72, 96),
) -> np.ndarray:
    """A moving grating whose direction, spacing, speed and colour belong to a class.

    Args:
        label: Of the class.
        seed: Int or list of ints: of the phase and the noise.
        seconds: Length.
        fps: Frames a second.
        size: (height, width) in pixels.

    Returns:
        uint8 array (frames, height, width, 3), at least one frame.
    """
    rng = np.random.default_rng(seed)
    angle, spacing = 2.4 * label, 0.12 + 0.05 * (label % 4)
    speed = _FASTEST * (0.3 + (label % 3) / 3) * (1 if label % 2 else -1)
    y, x = np.mgrid[: size[0], : size[1]]
    across = spacing * (x * np.cos(angle) + y * np.sin(angle))
    times = np.arange(max(1, round(seconds * fps))) / fps
    phase = 2 * np.pi * (speed * times + rng.uniform())
    wave = np.sin((across[None] + phase[:, None, None]).astype(np.float32))
    noise = rng.standard_normal((len(times), *size), np.float32)
    colour = 0.4 + 0.6 * np.abs(np.sin(1.7 * label + np.array([0.3, 1.4, 2.5], np.float32)))
    frames = 128 + 90 * wave[..., None] * colour + _NOISE * noise[..., None]
    return np.clip(frames, 0, 255, out=frames).astype(np.uint8)


def pitch(label: int) -> float:
    """The frequency of a class's tone, in Hz."""
    return 220.0 + 60.0 * label


def tone(label: int, seed: int | Sequence[int], seconds: float, sample_rate: int) -> np.ndarray:
    """A class's tone with random phase and a little noise.

    Args:
        label: Of the class.
        seed: Int or list of ints.
        seconds: Length.
        sample_rate: Samples a second.

    Returns:
        float32 array (samples,) in [-1, 1].
    """
    rng = np.random.default_rng(seed)
    time = np.arange(max(1, round(seconds * sample_rate))) / sample_rate
    sound = 0.3 * np.sin(2 * np.pi * (pitch(label) * time + rng.uniform()))
    return sound.astype(np.float32) + 0.01 * rng.standard_normal(len(time), np.float32)


def cut_short(path: str | Path, share: float = 0.5):
    """Cuts a file down to a share of its bytes, as a broken download leaves it."""
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: int(len(content) * share)])


def turn(path: str | Path):
    """Gives an .mp4 a display matrix that turns its picture clockwise by 90 degrees.

    The matrix is the nine numbers at byte 40 of the body of a `tkhd` box (ISO/IEC 14496-12).
    """
    content = bytearray(Path(path).read_bytes())
    place = content.index(b"tkhd") + 4 + 40
    one, zero = 1 << 16, 0
    numbers = [zero, one, zero, -one, zero, zero, zero, zero, 1 << 30]
    content[place : place + 36] = b"".join(n.to_bytes(4, "big", signed=True) for n in numbers)
    Path(path).write_bytes(content)


def check_counts(**counts: tuple[int, int, int | None]):
    """Raises `ValueError` unless every count is an integer in its range.

    Args:
        **counts: Name of an argument -> (value, minimum, maximum or None).
    """
    for name, (value, low, high) in counts.items():
        check_int(name, value, low, high)
