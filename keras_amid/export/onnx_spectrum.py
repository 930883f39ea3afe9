"""Spectra of sounds in ONNX: the real and imaginary parts of a transform, which tf2onnx lacks."""

from __future__ import annotations

from typing import Any

import numpy as np


def _transform(ctx: Any, node: Any, name: str, args: Any) -> None:
    """RFFT: `_part` reads its input; nothing else may use it."""


def _part(ctx: Any, node: Any, name: str, args: Any) -> None:
    """Real or Imag of an RFFT (..., n): that part of ONNX's DFT (..., n // 2 + 1, 2).

    Args:
        ctx: `tf2onnx.graph.Graph`.
        node: of it.
        name, args: unused.
    """
    signal = node.inputs[0].input[0]
    rank = ctx.get_rank(signal)
    shape, dtype = ctx.get_shape(node.output[0]), ctx.get_dtype(node.output[0])
    last = ctx.make_const(f"{node.name}_last", np.array([-1], "int64")).output[0]
    which = ctx.make_const(f"{node.name}_part", np.array(int(node.type == "Imag"), "int64"))
    real = ctx.make_node("Unsqueeze", [signal, last]).output[0]
    spectrum = ctx.make_node("DFT", [real], attr={"axis": rank - 1, "onesided": 1}).output[0]
    ctx.remove_node(node.name)
    ctx.make_node(
        "Gather", [spectrum, which.output[0]], attr={"axis": rank}, name=node.name,
        outputs=node.output, shapes=[shape], dtypes=[dtype],
    )  # fmt: skip


#: Of `tf2onnx.convert`.
HANDLERS = {"RFFT": (_transform, []), "Real": (_part, []), "Imag": (_part, [])}
