"""What a method sees of one batch: labels, representations and logits."""

from __future__ import annotations

from keras import ops, tree

from keras_amid.typing import Tensor


class Batch:
    """The labels and the networks' outputs of one batch, in float32 under every dtype policy.

    With `semi_supervised`, the label -1 says that a sample has none. Such a sample has no
    cross-entropy, and is the only one of a class of its own: a positive of itself alone, and a
    negative of every other.

    A sample that lacks an auxiliary modality (`x["present"]`) is not complete: it has the student's
    cross-entropy and no part in anything else. Its label is -1, which leaves it out of the losses
    of `keras_amid.losses`, and what a method returns of it does not count
    (`Distiller.distillation_loss`). A contrast of one's own must leave it out by `complete`.

    Attributes:
        labels: int32 tensor, shape `(batch,)`: the classes; each unlabelled sample has another
            number, `num_classes` or larger, and each that is not complete -1.
        targets: int32 tensor, shape `(batch,)`: the labels, 0 for unlabelled samples; what is made
            of them goes through `over_labelled`.
        labelled: float32 tensor, shape `(batch,)`: 1 for labelled samples, 0 for others; None
            where all are.
        complete: bool tensor, shape `(batch,)`: whether a sample has all modalities; None where
            all do.
        student, teacher, auxiliary: representations S, M, A, shape `(batch, dim)`. `teacher` and
            `auxiliary` are None where the batch has the target modalities only; with a fixed
            teacher there is no `auxiliary`.
        student_logits, teacher_logits: shape `(batch, num_classes)`.
        modalities: dict, modality -> its own representation, shape `(batch, dim)` (S where it has
            none), for a method with `separate_modalities`; else None.
        sample_weight: float tensor, shape `(batch,)`, or None.
        training: bool.
        index: int32 tensor, shape `(batch,)`: each sample's number in the training set, or None
            where x does not carry it.
        size: number of complete samples, a float32 scalar: the B of every mean but that of the
            student's cross-entropy.
    """

    def __init__(
        self,
        labels: Tensor,
        outputs: dict,
        sample_weight: Tensor | None = None,
        training: bool = False,
        index: Tensor | None = None,
        semi_supervised: bool = False,
    ):
        # Half precision would not do for sums over a batch, and the classifier and the
        # discriminators are float32 under every policy.
        self.complete = outputs.get("complete")
        outputs = {
            name: tree.map_structure(lambda tensor: ops.cast(tensor, "float32"), value)
            for name, value in outputs.items()
            if name != "complete"
        }
        self.student = outputs["student"]
        self.student_logits = outputs["student_logits"]
        self.teacher = outputs.get("teacher")
        self.teacher_logits = outputs.get("teacher_logits")
        self.auxiliary = outputs.get("auxiliary")
        self.modalities = outputs.get("modalities")
        self.training = training
        self.samples = ops.cast(ops.shape(self.student_logits)[0], "float32")
        self.size = self.samples
        if self.complete is not None:
            self.size = ops.sum(ops.cast(self.complete, "float32"))
        self._set_labels(ops.cast(ops.convert_to_tensor(labels), "int32"), semi_supervised)
        if sample_weight is not None:
            sample_weight = ops.reshape(ops.cast(sample_weight, "float32"), (-1,))
        self.sample_weight = sample_weight
        self.index = None if index is None else ops.cast(ops.convert_to_tensor(index), "int32")

    def _set_labels(self, labels, semi_supervised):
        self._given, self.labels, self.targets, self.labelled = labels, labels, labels, None
        if semi_supervised:
            labelled = labels >= 0
            samples, classes = ops.shape(self.student_logits)
            own = ops.cast(classes, "int32") + ops.arange(samples, dtype="int32")
            self.labels = ops.where(ops.equal(labels, -1), own, labels)
            self.targets = ops.where(labelled, labels, 0)
            self.labelled = ops.cast(labelled, "float32")
        if self.complete is not None:
            self.labels = ops.where(self.complete, self.labels, -1)

    def cross_entropy(self, logits: Tensor) -> Tensor:
        """Cross-entropy of the labels, one value per sample.

        Values are such that their mean over the batch is that over the samples that count: the
        labelled ones, and unless these are the student's logits, the complete ones among them. It
        is 0 for any other. A label outside `0..num_classes-1` gives NaN on every backend: the input
        checks refuse it before, so this shows only in training loops that go around them.

        Args:
            logits: float tensor, shape `(batch, num_classes)`; `student_logits` itself for the
                student's.

        Returns:
            float32 tensor, shape `(batch,)`.
        """
        classes = ops.shape(logits)[-1]
        known = ops.logical_and(self._given >= 0, self._given < classes)
        truth = ops.one_hot(ops.where(known, self._given, 0), classes, dtype=logits.dtype)
        values = -ops.sum(truth * ops.log_softmax(logits, axis=-1), axis=-1)
        if self.labelled is not None:
            known = ops.logical_or(known, ops.equal(self._given, -1))
        return self._over(self._counting(logits), ops.where(known, values, float("nan")))

    def _counting(self, logits):
        """1 for the samples whose labels count for these logits, else 0; None where all do."""
        if logits is self.student_logits or self.complete is None:
            return self.labelled
        complete = ops.cast(self.complete, "float32")
        return complete if self.labelled is None else complete * self.labelled

    def _over(self, counting, values):
        """The values so that their batch mean is that over the samples that count."""
        if counting is None:
            return values
        return values * counting * (self.samples / ops.maximum(ops.sum(counting), 1.0))

    def over_complete(self, values: Tensor) -> Tensor:
        """The values so that their batch mean is that over the complete samples.

        Args:
            values: float tensor, shape `(..., batch)`.

        Returns:
            float32 tensor of this shape: as they are where all samples are complete, 0 for any
            other.
        """
        if self.complete is None:
            return values
        return ops.where(self.complete, values, 0.0) * (self.samples / ops.maximum(self.size, 1.0))

    def over_labelled(self, values: Tensor) -> Tensor:
        """The values, one per sample, so that their mean is that over the labelled samples.

        The mean is over the complete samples, as that of every term but `classification_loss` is.

        Args:
            values: float tensor, shape `(batch,)`, finite.

        Returns:
            float32 tensor, shape `(batch,)`: as they are where all samples are labelled, 0 for an
            unlabelled sample.
        """
        if self.labelled is None:
            return values
        counting = self.labelled
        if self.complete is not None:
            counting = counting * ops.cast(self.complete, "float32")
        return values * counting * (self.size / ops.maximum(ops.sum(counting), 1.0))

    @property
    def numbers(self) -> Tensor:
        """Labels of a contrast in which a sample's own pair alone is positive: no two are equal.

        int32, shape `(batch,)`; -1, as in `labels`, for a sample that is not complete.
        """
        own = ops.arange(ops.shape(self.labels)[0], dtype="int32")
        return own if self.complete is None else ops.where(self.complete, own, -1)

    def classification_loss(self, with_teacher: bool = True) -> Tensor:
        """L_cls of Eq. 15: cross-entropy of the student and, where there is one, the teacher.

        Args:
            with_teacher: False for that of the student only.

        Returns:
            float32 tensor, shape `(batch,)`.
        """
        values = self.cross_entropy(self.student_logits)
        if with_teacher and self.teacher is not None:
            values = values + self.cross_entropy(self.teacher_logits)
        return values

    def accuracy(self, logits: Tensor) -> Tensor:
        """Fraction of the samples that count whose largest logit is the label's, a float32 scalar.

        Args:
            logits: as of `cross_entropy`; the same samples count.
        """
        hits = ops.equal(ops.cast(ops.argmax(logits, axis=-1), "int32"), self._given)
        return ops.mean(self._over(self._counting(logits), ops.cast(hits, "float32")))

    def count(self, logits: Tensor) -> Tensor:
        """Number of the samples that count for `accuracy`, a float32 scalar."""
        counting = self._counting(logits)
        return self.samples if counting is None else ops.sum(counting)

    def mean(self, values: Tensor) -> Tensor:
        """Mean over the batch of values, one per sample, times the sample weights."""
        return ops.mean(values if self.sample_weight is None else values * self.sample_weight)

    def zeros(self) -> Tensor:
        """0 for each sample, as a function of everything that the networks put out.

        Added to the loss, it gives a gradient of 0 to networks that the method's terms leave out:
        without any gradient Keras warns of their variables, and some optimizers fail.
        """
        outputs = (self.student_logits, self.teacher_logits, self.auxiliary)
        return 0.0 * sum(ops.sum(output, axis=1) for output in outputs if output is not None)
