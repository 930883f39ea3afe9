"""Leaving a model usable after an error in the middle of `fit`, `evaluate` or `predict`."""

import contextlib


@contextlib.contextmanager
def variables_kept(model):
    """Runs a block in which a Keras trainer works; if it raises, the variables have values again.

    Keras's JAX trainer takes the values out of the model while it runs. After an error it puts
    them back only in `fit`, and only where a step had been made: an error in the first batch, or
    in `evaluate` or `predict`, would leave a model without weights. Elsewhere this does nothing.

    Args:
        model: `keras.Model`.
    """
    if not hasattr(model, "jax_state_sync"):
        yield
        return
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and model.built and not optimizer.built:
        optimizer.build(model.trainable_variables)  # as `fit` would: its values must be known here
    variables = [*model.variables, *getattr(optimizer, "variables", ())]
    before = [(variable, variable.value) for variable in variables]
    try:
        yield
    except BaseException:
        model.jax_state_sync()
        model._jax_state = None
        model.reset_metrics()
        for variable, value in before:
            if _is_lost(variable):
                variable.assign(value)
        raise


def _is_lost(variable):
    try:
        return variable.value is None
    except TypeError:  # neither a value nor an initializer to make one
        return True
