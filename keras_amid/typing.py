"""Names for what signatures take and return."""

from __future__ import annotations

from typing import Any, TypeAlias

#: A tensor of whichever backend runs, or what Keras turns into one.
Tensor: TypeAlias = Any
#: A method's loss: name -> (weight, one value per sample).
Terms: TypeAlias = dict[str, tuple[Any, Tensor]]
#: What is logged: name -> (value, weight), scalars.
Logs: TypeAlias = dict[str, tuple[Tensor, Any]]
