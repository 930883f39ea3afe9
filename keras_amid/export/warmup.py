"""Requests that TensorFlow Serving runs before it takes others, so that the first is not slow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from keras_amid.serving.messages import predict_request

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf

#: Where TensorFlow Serving looks, within the version's folder.
FILE = os.path.join("assets.extra", "tf_serving_warmup_requests")


def write(folder: str, signatures: Mapping[str, Mapping[str, tf.TensorSpec]]) -> None:
    """Writes one request of one sample for each signature.

    Zeros, black pictures and empty texts. A size that is not known to the student would have to be
    guessed, and a server does not load a version whose warm-up fails: then nothing is written.

    Args:
        folder: of the SavedModel.
        signatures: signature -> input name -> specification, the batch first.
    """
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

    specs = [spec for inputs in signatures.values() for spec in inputs.values()]
    if any(None in spec.shape[1:] for spec in specs):
        return
    path = os.path.join(folder, FILE)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tf.io.TFRecordWriter(path) as writer:
        for name, inputs in signatures.items():
            pictures = name == "encoded_frames"
            values = {n: _sample(spec, pictures) for n, spec in inputs.items()}
            log = PredictionLog(predict_log=PredictLog(request=predict_request("", name, values)))
            writer.write(log.SerializeToString())


def _sample(spec: tf.TensorSpec, pictures: bool) -> np.ndarray:
    import numpy as np
    import tensorflow as tf

    shape = (1, *spec.shape[1:])
    if spec.dtype != tf.string:
        return np.zeros(shape, spec.dtype.as_numpy_dtype)
    black = tf.io.encode_jpeg(tf.zeros((8, 8, 3), tf.uint8)).numpy() if pictures else b""
    return np.full(shape, black, object)
