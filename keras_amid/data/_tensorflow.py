"""TensorFlow as a data loader."""

import functools
from collections.abc import Callable


@functools.cache
def tensorflow():
    """Imports TensorFlow; under another backend it is kept off the accelerators.

    TensorFlow claims a whole GPU at its first operation. Where JAX or torch train, it only feeds
    data, from the CPU.

    Returns:
        The module `tensorflow`.
    """
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        try:
            tf.config.set_visible_devices([], "GPU")
        except RuntimeError:  # already in use by the caller's own TensorFlow code: leave it so
            pass
    return tf


def as_written(function: Callable) -> Callable:
    """Has tf.data trace a function as it stands.

    AutoGraph would first translate all that it calls, for its branches on tensors: seconds at every
    start, and what is written here has none.
    """
    return tensorflow().autograph.experimental.do_not_convert(function)
