"""A served model asked by TensorFlow Serving's gRPC interface."""

from __future__ import annotations

import json
from collections.abc import Mapping

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from keras_amid.serving.messages import predict_request
from keras_amid.serving.server import ServerError

_BUSY = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")
_REFUSED = ("NOT_FOUND", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "UNIMPLEMENTED")


class GrpcServer:
    """See `Server`.

    Args:
        address: HOST:PORT.
        model, version, timeout, retries: as of `connect`; all attempts share the timeout.
    """

    def __init__(self, address: str, model: str, version: int | None, timeout: float, retries: int):
        self.address, self._model = f"grpc://{address}", model
        self._version, self._timeout = version, timeout
        options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        if retries:
            options.append(("grpc.service_config", _config(retries + 1)))
        self._stub = PredictionServiceStub(grpc.insecure_channel(address, options))

    def predict(self, signature: str, values: Mapping[str, np.ndarray], output: str) -> np.ndarray:
        """See `Server.predict`."""
        request = predict_request(self._model, signature, values, self._version)
        request.output_filter.append(output)
        try:
            answer = self._stub.Predict(request, timeout=self._timeout)
        except grpc.RpcError as error:
            code, said = error.code().name, error.details().rstrip(".")
            if code in _REFUSED:
                raise ValueError(
                    f"`model` {self._model!r} of {self.address} cannot be asked so: {said}."
                ) from error
            if code == "DEADLINE_EXCEEDED":
                said = "too slow for --timeout"
            raise ServerError(f"no answer from {self.address} ({code}): {said}.") from error
        found = tf.make_ndarray(answer.outputs[output])
        return np.char.decode(found.astype(bytes), "utf-8") if found.dtype == object else found


def _config(attempts):
    policy = {
        "maxAttempts": attempts, "initialBackoff": "0.3s", "maxBackoff": "5s",
        "backoffMultiplier": 2, "retryableStatusCodes": _BUSY,
    }  # fmt: skip
    service = {"service": "tensorflow.serving.PredictionService"}
    return json.dumps({"methodConfig": [{"name": [service], "retryPolicy": policy}]})
