"""What a method sees of one batch: labels, representations, logits, and how to average and log."""

import keras
from keras import ops

from keras_amid.losses.similarity import at_least_float32


class Batch:
    """The labels and the networks' outputs of one batch, in float32.

    Attributes:
        labels: integer tensor, shape `(batch,)`.
        student, teacher, auxiliary: representations S, M, A, shape `(batch, dim)`. `teacher` and
            `auxiliary` are None where the batch has the target modalities only; with a fixed
            teacher there is no `auxiliary`.
        student_logits, teacher_logits: shape `(batch, num_classes)`.
        sample_weight: float tensor, shape `(batch,)`, or None.
        training: bool.
        index: int32 tensor, shape `(batch,)`: each sample's number in the training set, or None
            where x does not carry it.
        size: number of samples, a float32 scalar.
        logged: dict, name -> `(value, weight)`, filled by `log` and `log_mean`.
    """

    def __init__(self, labels, outputs, sample_weight=None, training=False, index=None):
        outputs = {name: at_least_float32(value) for name, value in outputs.items()}
        self.student = outputs["student"]
        self.student_logits = outputs["student_logits"]
        self.teacher = outputs.get("teacher")
        self.teacher_logits = outputs.get("teacher_logits")
        self.auxiliary = outputs.get("auxiliary")
        self.labels = ops.cast(ops.convert_to_tensor(labels), "int32")
        if sample_weight is not None:
            sample_weight = ops.reshape(ops.cast(sample_weight, self.student_logits.dtype), (-1,))
        self.sample_weight = sample_weight
        self.training = training
        self.index = None if index is None else ops.cast(ops.convert_to_tensor(index), "int32")
        self.size = ops.cast(ops.shape(self.student_logits)[0], "float32")
        self.logged = {}

    def cross_entropy(self, logits):
        """Cross-entropy of the labels, one value a sample.

        A label outside `0..num_classes-1` gives NaN on every backend: the input checks refuse it
        before, so this shows only in training loops that go around them.

        Args:
            logits: float tensor, shape `(batch, num_classes)`.

        Returns:
            float32 tensor, shape `(batch,)`.
        """
        classes = ops.shape(logits)[-1]
        known = ops.logical_and(self.labels >= 0, self.labels < classes)
        truth = ops.one_hot(ops.where(known, self.labels, 0), classes, dtype=logits.dtype)
        values = -ops.sum(truth * ops.log_softmax(logits, axis=-1), axis=-1)
        return ops.where(known, values, float("nan"))

    def classification_loss(self, with_teacher=True):
        """L_cls of Eq. 15, logged: cross-entropy of student and teacher (where there is one).

        Args:
            with_teacher: bool. False: of the student only.

        Returns:
            float32 tensor, shape `(batch,)`.
        """
        values = self.cross_entropy(self.student_logits)
        if with_teacher and self.teacher is not None:
            values = values + self.cross_entropy(self.teacher_logits)
        return self.log_mean("classification_loss", values)

    def zeros(self):
        """0 for each sample, which depends on all that the networks put out.

        Added to a loss that leaves a network out, it gives that network's variables a gradient of
        0: without any, Keras warns at every such variable, and some optimizers fail.

        Returns:
            float32 tensor, shape `(batch,)`.
        """
        outputs = (self.student_logits, self.teacher_logits, self.auxiliary)
        return 0.0 * sum(ops.sum(output, axis=1) for output in outputs if output is not None)

    def accuracy(self, logits):
        """Fraction of the batch whose largest logit is the label's, a scalar."""
        hits = ops.equal(ops.cast(ops.argmax(logits, axis=-1), "int32"), self.labels)
        return ops.mean(ops.cast(hits, "float32"))

    def weighted(self, values):
        """The values, one a sample, times the sample weights."""
        return values if self.sample_weight is None else values * self.sample_weight

    def log(self, name, value, weight=None):
        """Shows `value` in the training logs, averaged over the epoch with `weight`.

        Args:
            name: str, one of the method's `log_names`.
            value: scalar tensor.
            weight: scalar, the batch size by default.
        """
        weight = self.size if weight is None else weight
        self.logged[name] = (ops.stop_gradient(value), ops.cast(weight, "float32"))

    def log_mean(self, name, values):
        """Logs the batch mean of the weighted values, and returns the values as they came.

        Args:
            name: str, one of the method's `log_names`.
            values: float tensor, shape `(batch,)`, one value a sample.

        Returns:
            `values`.
        """
        self.log(name, ops.mean(self.weighted(values)))
        return values


@keras.saving.register_keras_serializable(package="keras_amid")
class ComponentMeans(keras.metrics.Metric):
    """Weighted means of many scalars in one variable: one update a step, however many they are.

    Args:
        names: the scalars' names.
        name: str, name of the metric; the logs show the scalars' names.
    """

    def __init__(self, names, name="components"):
        super().__init__(name=name)
        self.names = tuple(names)
        self.last_names = ()
        self.totals = self.add_weight(
            shape=(2, len(self.names)), initializer="zeros", name="totals"
        )

    def update_state(self, logged):
        """Adds a batch.

        Args:
            logged: dict, name -> `(value, weight)`; a name left out counts with weight 0.
        """
        unknown = set(logged) - set(self.names)
        if unknown:
            raise ValueError(
                f"{sorted(unknown)} logged but not declared; `log_names` of the method are "
                f"{list(self.names)}."
            )
        self.last_names = tuple(logged)
        nothing = (0.0, 0.0)
        pairs = [logged.get(name, nothing) for name in self.names]
        values = ops.stack([ops.cast(value, "float32") for value, _ in pairs])
        weights = ops.stack([ops.cast(weight, "float32") for _, weight in pairs])
        # A value without weight (no pair in the batch, say) may be anything: it adds nothing.
        self.totals.assign_add(ops.stack([ops.where(weights > 0, values * weights, 0.0), weights]))

    def result(self):
        """Returns: dict, name -> mean, a float32 scalar (0 where nothing was added)."""
        totals, weights = self.totals[0], self.totals[1]
        means = ops.where(weights > 0, totals / ops.maximum(weights, 1e-30), 0.0)
        return {name: means[i] for i, name in enumerate(self.names)}

    def get_config(self):
        return {"names": list(self.names), "name": self.name}


class SampleMean(keras.losses.Loss):
    """Mean of values already computed, one a sample.

    Through Keras's own reduction, which divides by the number of replicas under a
    `tf.distribute` strategy as its optimizers expect.
    """

    def call(self, y_true, y_pred):
        del y_true
        return y_pred

    def mean(self, values, sample_weight=None):
        """Scalar mean of `sample_weight * values` over the batch."""
        return self(values, values, sample_weight)
