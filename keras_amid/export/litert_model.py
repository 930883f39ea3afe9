"""The student for LiteRT (formerly TensorFlow Lite): `model.tflite`."""

from __future__ import annotations

import contextlib
import os
import warnings

import keras

from keras_amid.export.formats import FORMATS, Wanted
from keras_amid.export.graph import layers_of, save, serving_function, write_assets


def write(student: keras.Model, folder: str, work: str, wanted: Wanted) -> None:
    """Writes the model with the signature `serving_default`; see `formats.write`.

    Only LiteRT's own operations are used, so it runs wherever LiteRT does. With int8, weights and
    values within are quantized as far as LiteRT has the operation in int8; inputs and outputs stay
    as they are.

    Raises:
        RuntimeError: LiteRT has no such operation.
    """
    import tensorflow as tf

    plain = os.path.join(work, "plain")
    with _unrolled(student):
        serve, specs = serving_function(student)
        function = serve.get_concrete_function(specs)
    save(student, plain, {"serving_default": function})
    converter = tf.lite.TFLiteConverter.from_saved_model(plain, signature_keys=["serving_default"])
    if wanted.representative is not None:
        samples = wanted.representative
        count = len(next(iter(samples.values())))
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            ("serving_default", {name: value[i : i + 1] for name, value in samples.items()})
            for i in range(count)
        )
        # Those that have no int8 form stay in float32.
        operations = tf.lite.OpsSet
        converter.target_spec.supported_ops = [
            operations.TFLITE_BUILTINS_INT8,
            operations.TFLITE_BUILTINS,
        ]
    try:
        with warnings.catch_warnings():
            # Calibrating, TensorFlow uses what it deprecates.
            warnings.filterwarnings("ignore", message=r"(?s).*tf\.lite\.Interpreter is deprecated")
            content = converter.convert()
    except Exception as error:  # of the converter's own types, some of them private
        last = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise RuntimeError(f"the student cannot be converted for LiteRT: {last[0]}") from error
    os.makedirs(os.path.join(folder, "assets"))
    with open(os.path.join(folder, FORMATS["litert"].file), "wb") as file:
        file.write(content)
    write_assets(os.path.join(folder, "assets"), wanted.assets)


@contextlib.contextmanager
def _unrolled(student):
    """Recurrences step by step: LiteRT has no loop over a batch of any size."""
    loops = [layer for layer in layers_of(student) if isinstance(layer, keras.layers.RNN)]
    before = [layer.unroll for layer in loops]
    for layer in loops:
        layer.unroll = True
    try:
        yield
    finally:
        for layer, unroll in zip(loops, before, strict=True):
            layer.unroll = unroll
