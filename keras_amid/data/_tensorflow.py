"""TensorFlow as a data loader."""

import contextlib
import errno
import functools
import os
import re
from collections.abc import Callable, Iterator

# What the system says of a disk that is full, or not to be written to.
_ERRORS = ("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS", "EACCES", "EPERM", "ENOENT")
_SAID = [os.strerror(getattr(errno, name)) for name in _ERRORS if hasattr(errno, name)]
_DISK = re.compile("|".join(map(re.escape, _SAID)))


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


@contextlib.contextmanager
def written(path: str | os.PathLike) -> Iterator[None]:
    """Raises OSError in place of what TensorFlow says of the disk where it writes `path`."""
    try:
        yield
    except Exception as error:
        said = _DISK.search(str(error)) if type(error).__module__.startswith("tensorflow") else None
        if said is None:
            raise
        raise OSError(f"{path} cannot be written: {said[0]}") from error
