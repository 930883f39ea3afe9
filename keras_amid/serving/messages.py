"""Messages of TensorFlow Serving, as `tensorflow-serving-api` defines them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def predict_request(
    model: str, signature: str, values: Mapping[str, np.ndarray], version: int | None = None
) -> Any:
    """A `PredictRequest`.

    Args:
        model: name that it is served under; empty for a warm-up request.
        signature: name.
        values: input name -> array; of text, an array of objects.
        version: of the model; None: the server's choice.
    """
    import tensorflow as tf
    from tensorflow_serving.apis.predict_pb2 import PredictRequest

    request = PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    for name, value in values.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request
