"""Single pictures: .jpg, .png, .bmp."""

from __future__ import annotations

import os

import av
import numpy as np

from keras_amid.data.media.errors import MediaError
from keras_amid.data.media.limits import Allowance, Limits
from keras_amid.data.media.opening import opened
from keras_amid.data.media.pictures import PictureScaler
from keras_amid.data.media.streams import stated_size


def read_picture(
    path: str | os.PathLike,
    short_side: int,
    notes: list[str] | None = None,
    limits: Limits | None = None,
) -> np.ndarray:
    """Reads a picture as a video of one frame, the right way up.

    Args:
        path: The file.
        short_side: Pixels to which the shorter side is scaled down.
        notes: Told of what is out of the ordinary.
        limits: How much it may ask for; None for what `limit` has set.

    Returns:
        uint8 array (1, height, width, 3).

    Raises:
        MediaError: The picture cannot be used, or asks for more than the limits allow.
    """
    allowance = Allowance(path, limits)
    scaler = PictureScaler(short_side, None, allowance)
    pictures = scaler.scaled([decode_still(path, allowance)])
    if notes is not None:
        notes += scaler.notes
    return np.stack(pictures)


def decode_still(path: str | os.PathLike, allowance: Allowance) -> av.VideoFrame:
    """Returns the picture of a file as it is stored; see `read_picture`."""
    allowance.check_time()
    with opened(path, allowance.limits) as container:
        for stream in container.streams.video[:1]:
            allowance.check_picture(*stated_size(stream, allowance))
            for frame in container.decode(stream):
                return frame
    raise MediaError(path, "no picture")
