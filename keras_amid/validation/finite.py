"""Training that stops at the first loss that is not finite, before anything is written over."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
from keras import ops


class NotFiniteError(ValueError):
    """A loss, or a weight, that is NaN or infinite.

    Attributes:
        exit_status: Of a command that ends so: the work failed, the arguments were right.
    """

    exit_status = 1


class StopNotFinite(keras.callbacks.Callback):
    """Ends `fit` with `NotFiniteError`: after the step whose loss is not finite, or after the
    epoch that left a weight so.

    It comes before callbacks that write (backups, checkpoints): what they wrote last stays. Logs
    that Keras has fetched are looked at, and the weights once an epoch: no step waits for it.
    """

    async_safe = True  # else Keras would wait for the logs after every step

    def set_model(self, model: keras.Model) -> None:
        """Takes the model that trains."""
        super().set_model(model)
        # To read `self.model` puts a JAX step's state back into the model, which must not happen
        # in the thread that looks at the logs, while the next step uses that state up.
        self._trained = model

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Looks at the mean loss of the epoch, which is not finite once a loss was not."""
        check_logs(self._trained, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Looks at the weights."""
        check_weights(self.model, f"after epoch {epoch + 1}")


def check_logs(model: keras.Model, logs: Mapping[str, Any]) -> None:
    """Raises `NotFiniteError`, naming the component, where the loss of some logs is not finite.

    Args:
        model: Any; of a `Distiller` the components of its loss are named.
        logs: Dict name -> float or scalar.
    """
    if math.isfinite(float(logs.get("loss", 0.0))):
        return
    names = getattr(getattr(model, "components", None), "names", ())
    parts = [name for name in (*names, "loss") if not math.isfinite(float(logs.get(name, 0.0)))]
    losses = [name for name in parts if name.endswith("_loss")] or parts
    raise NotFiniteError(
        f"`{losses[0]}` must be finite; received {float(logs[losses[0]])} in training, so it "
        "stopped. What was saved after earlier epochs is as it was. A smaller learning rate, "
        "gradient clipping (`global_clipnorm` of the optimizer) or float32 in the place of "
        "float16 may help."
    )


def check_weights(model: keras.Model, when: str = "", argument: str = "") -> None:
    """Raises `NotFiniteError`, naming the first, where a model's weights are not finite.

    Args:
        model: Built.
        when: For the message, such as "after epoch 3".
        argument: What the model was given as, for the message.
    """
    name = first_not_finite(model.variables)
    if name is not None:
        whose = f"`{argument}` must have finite weights" if argument else "weights must be finite"
        raise NotFiniteError(
            f"{whose}; received NaN or infinity in {name!r}{' ' * bool(when)}{when}."
        )


def first_not_finite(variables: Iterable[Any]) -> str | None:
    """Returns the path of the first of some Keras variables that is not finite; None if all are."""
    floats = [v for v in variables if keras.backend.is_float_dtype(v.dtype)]
    if not floats:
        return None
    # One answer for all, so that they are waited for once.
    finite = ops.stack([ops.all(ops.isfinite(ops.convert_to_tensor(v))) for v in floats])
    found = keras.ops.convert_to_numpy(finite)
    return None if found.all() else floats[int(found.argmin())].path


@contextlib.contextmanager
def guarded(method: Callable, given: dict[str, Any]) -> Iterator[None]:
    """Has `fit` stop at what is not finite; of any other call nothing.

    Args:
        method: Bound method of a Keras trainer.
        given: Its arguments, of which the callbacks get one more.
    """
    if method.__name__ != "fit" or "callbacks" not in inspect.signature(method).parameters:
        yield
        return
    callbacks = given.get("callbacks")
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = given["callbacks"] = keras.tree.flatten(callbacks) if callbacks else []
    listed = getattr(callbacks, "callbacks", callbacks)
    if any(isinstance(callback, StopNotFinite) for callback in listed):
        yield  # the caller's own: weights are looked at once an epoch
        return
    stop = StopNotFinite()
    stop.set_model(method.__self__)  # type: ignore[attr-defined]
    listed.insert(0, stop)
    try:
        yield
    finally:
        listed.remove(stop)
