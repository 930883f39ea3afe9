"""The gradient of a scalar function of arrays, on whichever backend runs."""

import keras
import numpy as np


def gradient(function, *arrays):
    """Returns (value, [gradient by each array]) as numpy, of `function(*tensors)`."""
    backend = keras.backend.backend()
    tensors = [keras.ops.convert_to_tensor(a) for a in arrays]
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = function(*tensors)
        grads = tape.gradient(value, tensors)
    elif backend == "jax":
        import jax

        value, grads = jax.value_and_grad(function, argnums=tuple(range(len(tensors))))(*tensors)
    else:
        for tensor in tensors:
            tensor.requires_grad_(True)
        value = function(*tensors)
        value.backward()
        grads = [t.grad for t in tensors]
    grads = [np.zeros(a.shape) if g is None else g for g, a in zip(grads, arrays, strict=True)]
    to_numpy = keras.ops.convert_to_numpy
    return float(to_numpy(value)), [
        to_numpy(g) if not isinstance(g, np.ndarray) else g for g in grads
    ]
