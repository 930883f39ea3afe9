"""A method's terms -> the scalar to minimise, and the logs."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_amid.distiller.batch import Batch
from keras_amid.typing import Tensor, Terms

#: The term that the base takes as it is: it holds the student's cross-entropy, of all samples.
CLASSIFICATION = "classification_loss"


@keras.saving.register_keras_serializable(package="keras_amid")
class SampleMean(keras.losses.Loss):
    """Mean of values already computed, one per sample.

    Through Keras's own reduction, which divides by the number of replicas under a
    `tf.distribute` strategy as its optimizers expect.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the values, `y_pred`, as they are."""
        del y_true
        return y_pred

    def mean(self, values: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Scalar mean of `sample_weight * values` over the batch."""
        return self(values, values, sample_weight)


def terms_and_logs(model: Any, batch: Batch):
    """The terms of a batch's loss, and all that is logged of it.

    Args:
        model: a `Distiller`.
        batch: of its outputs.

    Returns:
        Tuple of two dicts: name -> `(weight, values)`, see `Distiller.distillation_loss`, and name
        -> `(value, weight)`, scalars.
    """
    # Data without auxiliary modalities: the student alone is evaluated.
    if model.uses_teacher and batch.teacher is None:
        terms, further = {CLASSIFICATION: (1.0, batch.classification_loss())}, {}
    else:
        terms = model.distillation_loss(batch)
        further = model.monitored(batch, terms)
    terms = {
        name: (weight, values if name == CLASSIFICATION else batch.over_complete(values))
        for name, (weight, values) in terms.items()
    }
    sizes = {name: batch.samples if name == CLASSIFICATION else batch.size for name in terms}
    logs = {
        f"{side}_accuracy": (batch.accuracy(logits), batch.count(logits))
        for side, logits in _all_logits(model, batch).items()
    }
    logs |= {name: (batch.mean(values), sizes[name]) for name, (_, values) in terms.items()}
    return terms, logs | further


def _all_logits(model, batch):
    """Of what there is an accuracy: student, teacher, and A where the method's loss forms it."""
    logits = {"student": batch.student_logits}
    if batch.teacher is not None:
        logits["teacher"] = batch.teacher_logits
    if batch.auxiliary is not None and model.forms_auxiliary:
        logits["auxiliary"] = model.classifier(ops.stop_gradient(batch.auxiliary))
    return logits


def refuse_compiled_loss(model: Any, compiled: dict | None):
    """Raises ValueError where `compile` was given a loss, which would have no effect.

    Args:
        model: a `Distiller`.
        compiled: what `compile` was given, as far as it is known; None: nothing yet.
    """
    for name in ("loss", "loss_weights"):
        given = (compiled or {}).get(name)
        if given is not None:
            raise ValueError(
                f"`{name}` of `compile` must be None, for {type(model).__name__} has a loss of its "
                f"own, weighed by arguments of its constructor; received {given!r}."
            )


def total(terms: Terms, batch: Batch):
    """The sum of the weighted terms, one value per sample, shape `(batch,)`."""
    return sum(weight * values for weight, values in terms.values()) + batch.zeros()


def detached(logs: dict) -> dict:
    """The logs without a gradient."""
    return {name: (ops.stop_gradient(value), weight) for name, (value, weight) in logs.items()}
