"""Clips as strips of frames: pictures within the page."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping

import numpy as np

from keras_amid.data import PreparedData
from keras_amid.experiments.own.report.html import Markup, tag

_FRAMES, _HEIGHT = 4, 72


def strips(
    data: PreparedData, split: str, name: str, places: Iterable[int]
) -> Mapping[int, Markup]:
    """Place in the split -> the clip's strip.

    Args:
        data: prepared.
        split: name.
        name: of the video modality.
        places: in the order of the records.
    """
    places = sorted(set(map(int, places)))
    if not places:
        return {}
    batches = data.pipeline(split, 1, (name,), subset=places, cache=False)
    clips = (x[name][0] for x, _ in batches.as_numpy_iterator())
    ids = data.samples(split)
    return {
        place: _picture(clip, ids[place]["id"]) for place, clip in zip(places, clips, strict=True)
    }


def _picture(clip, title):
    import tensorflow as tf

    chosen = clip[np.linspace(0, len(clip) - 1, min(_FRAMES, len(clip))).round().astype(int)]
    if chosen.shape[-1] == 1:
        chosen = chosen.repeat(3, axis=-1)
    width = max(1, round(_HEIGHT * chosen.shape[2] / chosen.shape[1]))
    small = tf.image.resize(chosen, (_HEIGHT, width), antialias=True)
    strip = tf.concat(tf.unstack(tf.cast(tf.clip_by_value(small, 0, 255), tf.uint8)), axis=1)
    jpeg = base64.b64encode(tf.io.encode_jpeg(strip, quality=80).numpy()).decode()
    return tag(
        "img", src=f"data:image/jpeg;base64,{jpeg}", alt=f"frames of {title}", loading="lazy"
    )
