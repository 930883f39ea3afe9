"""The student for ONNX Runtime and others: `model.onnx`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras_amid.export.formats import FORMATS, Wanted
from keras_amid.export.graph import OUTPUTS, serving_function, write_assets
from keras_amid.export.onnx_spectrum import HANDLERS

if TYPE_CHECKING:
    import keras
    import numpy as np

_OPSET = 18


def write(student: keras.Model, folder: str, work: str, wanted: Wanted) -> None:
    """Writes the model, inputs and outputs named as in `serving_default`; see `formats.write`.

    Raises:
        RuntimeError: ONNX has no such operation.
    """
    import onnx
    import tensorflow as tf
    import tf2onnx

    serve, specs = serving_function(student)

    def flat(*values):
        return serve(dict(zip(specs, values, strict=True)))

    function = tf.function(flat, autograph=False)
    traced = function.get_concrete_function(*specs.values())
    try:
        model, _ = tf2onnx.convert.from_function(
            function, list(specs.values()), opset=_OPSET, custom_op_handlers=HANDLERS
        )
        # What it cannot convert it leaves in the model as it is, and goes on.
        onnx.checker.check_model(model)
    except Exception as error:  # both raise what they meet
        said = " ".join(str(error).split())
        raise RuntimeError(f"the student cannot be converted to ONNX: {said}") from error
    captured = traced.graph.captures
    _bind(model, {inner.name: outer for outer, inner in captured if outer.dtype != tf.resource})
    _name_sizes(model, {**specs, **{name: student.output[name] for name in OUTPUTS}})
    os.makedirs(os.path.join(folder, "assets"))
    path = os.path.join(folder, FORMATS["onnx"].file)
    if wanted.representative is None:
        onnx.save(model, path)
    else:
        plain = os.path.join(work, "plain.onnx")
        onnx.save(model, plain)
        _quantize(plain, path, work, wanted.representative)
    write_assets(os.path.join(folder, "assets"), wanted.assets)


def _bind(model, constants):
    """Puts the constants of the student's layers into the model, where they came as inputs."""
    from onnx import numpy_helper

    for value in [value for value in model.graph.input if value.name in constants]:
        array = constants[value.name].numpy()
        model.graph.initializer.append(numpy_helper.from_array(array, value.name))
        model.graph.input.remove(value)


def _name_sizes(model, tensors):
    """Declares the shapes of inputs and outputs, which the converter has lost or numbered."""
    for value in (*model.graph.input, *model.graph.output):
        dims = value.type.tensor_type.shape.dim
        del dims[:]
        dims.add().dim_param = "batch"
        for number, size in enumerate(tensors[value.name].shape[1:], start=1):
            if size is None:
                dims.add().dim_param = f"{value.name}_{number}"
            else:
                dims.add().dim_value = size


def _quantize(plain, path, work, samples: Mapping[str, np.ndarray]):
    """Static quantization: weights (by channel) and values within in int8."""
    from onnxruntime import quantization
    from onnxruntime.quantization import shape_inference

    class Samples(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            count = len(next(iter(samples.values())))
            self.left = iter(
                {name: value[i : i + 1] for name, value in samples.items()} for i in range(count)
            )

        def get_next(self) -> dict[str, Any] | None:
            return next(self.left, None)

    prepared = os.path.join(work, "prepared.onnx")
    shape_inference.quant_pre_process(plain, prepared, skip_symbolic_shape=True)
    quantization.quantize_static(
        prepared, path, Samples(), per_channel=True, nodes_to_exclude=_before_logarithms(prepared),
        activation_type=quantization.QuantType.QInt8, weight_type=quantization.QuantType.QInt8,
    )  # fmt: skip


def _before_logarithms(path):
    """Nodes that lead to a logarithm: 8 bits do not span the powers of ten of a spectrum."""
    import onnx

    nodes = onnx.load(path).graph.node
    makers = {output: node for node in nodes for output in node.output}
    left, found = [name for node in nodes if node.op_type == "Log" for name in node.input], set()
    while left:
        node = makers.get(left.pop())
        if node is not None and node.name not in found:
            found.add(node.name)
            left += node.input
    return sorted(found)
