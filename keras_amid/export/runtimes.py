"""Exported students run by the runtimes they are for: TensorFlow, ONNX Runtime, LiteRT."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from keras_amid.export.formats import FORMATS

#: Input name -> array (batch, ...) to output name -> array (batch, ...).
Runtime = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]


def load_runtime(version: str | os.PathLike) -> Runtime:
    """The student of a version's folder, with `serving_default`'s inputs and outputs.

    Args:
        version: that `export_student` returned, of any format.

    Raises:
        ValueError: there is no such model.
        ImportError: the runtime is not installed.
    """
    folder = Path(version)
    if (folder / "saved_model.pb").is_file():
        return _saved_model(folder)
    if (folder / FORMATS["onnx"].file).is_file():
        return _onnx(folder / FORMATS["onnx"].file)
    if (folder / FORMATS["litert"].file).is_file():
        return _litert(folder / FORMATS["litert"].file)
    raise ValueError(f"`version` must be an exported version's folder; received {str(version)!r}.")


def _saved_model(folder):
    import tensorflow as tf

    model = tf.saved_model.load(str(folder))

    def run(values):
        tensors = {name: tf.constant(value) for name, value in values.items()}
        return {n: v.numpy() for n, v in model.signatures["serving_default"](**tensors).items()}

    return run


def _onnx(file):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda values: dict(zip(names, session.run(names, dict(values)), strict=True))


def _litert(file):
    from ai_edge_litert.interpreter import Interpreter

    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    interpreter = Interpreter(str(file), num_threads=threads)
    runner = interpreter.get_signature_runner("serving_default")
    # The interpreter must live as long as its runner.
    return lambda values, _interpreter=interpreter: dict(runner(**values))
