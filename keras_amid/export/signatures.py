"""The SavedModel's signatures beside `serving_default`.

`retrieval`
    The same inputs; one output, `representation`, float32 (batch, D), of length 1: what an index
    for cosine similarity stores and is asked for.
`encoded_frames`
    Where a modality is of pictures, uint8 (frames, height, width, 1 or 3) or (height, width, 1 or
    3): strings (batch, frames) or (batch,), each a JPEG, PNG, BMP or GIF of any size. The centre of
    the frame that has the student's proportions is resized as `keras_amid.data.Windows` does it.
    All other inputs and the outputs are those of `serving_default`.
`assets`
    `name`, strings (batch,), names of files in `assets/` -> `text`, strings (batch,), what they
    hold ("" for a file that is not there): so a client need not have the version's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf

RETRIEVAL, ENCODED, ASSETS = "retrieval", "encoded_frames", "assets"


def further(
    serve: Any, specs: Mapping[str, tf.TensorSpec], assets: Mapping[str, str]
) -> dict[str, Any]:
    """Signature -> concrete function.

    Args:
        serve, specs: of `graph.serving_function`.
        assets: name of a file -> its text; none: no signature `assets`.
    """
    import tensorflow as tf

    def retrieval(inputs):
        return {"representation": tf.math.l2_normalize(serve(inputs)["representation"], axis=-1)}

    def encoded(inputs):
        pictures = {n: decoded(inputs[n], specs[n].shape[1:]) for n in picture_inputs(specs)}
        return serve({**inputs, **pictures})

    def read(inputs):
        text = tf.fill(tf.shape(inputs["name"]), "")
        for name, content in assets.items():
            text = tf.where(inputs["name"] == name, content, text)
        return {"text": text}

    functions = {RETRIEVAL: retrieval, ENCODED: encoded, ASSETS: read}
    taken = specifications(specs)
    if assets:
        taken[ASSETS] = {"name": tf.TensorSpec((None,), tf.string, name="name")}
    return {
        name: tf.function(functions[name], autograph=False).get_concrete_function(of)
        for name, of in taken.items()
    }


def specifications(specs: Mapping[str, tf.TensorSpec]) -> dict[str, dict[str, tf.TensorSpec]]:
    """Signature -> its inputs, of those that run the student.

    Args:
        specs: of `serving_default`.
    """
    import tensorflow as tf

    found = {RETRIEVAL: dict(specs)}
    pictures = {n: tf.TensorSpec(specs[n].shape[:-3], tf.string, n) for n in picture_inputs(specs)}
    if pictures:
        found[ENCODED] = {**specs, **pictures}
    return found


def picture_inputs(specs: Mapping[str, tf.TensorSpec]) -> list[str]:
    """The inputs that are pictures: bytes, 1 or 3 channels, of a known size."""
    return [
        name
        for name, spec in specs.items()
        if spec.dtype == "uint8"
        and spec.shape.rank in (4, 5)
        and spec.shape[-1] in (1, 3)
        and None not in spec.shape[1:]
    ]


def decoded(pictures: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
    """Encoded pictures as the student takes them: uint8 (batch, *shape).

    Args:
        pictures: strings (batch, frames) or (batch,).
        shape: ([frames,] height, width, channels).
    """
    import tensorflow as tf

    height, width, channels = shape[-3:]

    def decode(picture):
        frame = tf.io.decode_image(picture, channels, expand_animations=False)
        return fitted(frame, height, width)

    spec = tf.TensorSpec((height, width, channels), tf.uint8)
    frames = tf.map_fn(decode, tf.reshape(pictures, [-1]), fn_output_signature=spec)
    return tf.reshape(frames, (tf.shape(pictures)[0], *shape))


def fitted(frame: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """The centre of a frame, resized: bilinear, half-pixel centres, rounded; uint8.

    Args:
        frame: uint8 (any height, any width, channels).
        height, width: pixels.
    """
    import tensorflow as tf

    size = tf.shape(frame)
    rows = tf.minimum(size[0], size[1] * height // width)
    columns = tf.minimum(size[1], size[0] * width // height)
    top, left = (size[0] - rows) // 2, (size[1] - columns) // 2
    part = tf.cast(frame[top : top + rows, left : left + columns], tf.float32) + 0.5
    return tf.cast(tf.image.resize(part, (height, width)), tf.uint8)
