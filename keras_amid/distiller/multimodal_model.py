"""A Keras model that is fed dicts of modalities: checked data in, the loss and its parts out."""

import keras
from keras import ops

from keras_amid.distiller.batch import Batch, ComponentMeans, SampleMean
from keras_amid.validation import feeding
from keras_amid.validation.checks import INDEX, Expected

_WHERE = {
    "fit": "training data",
    "evaluate": "evaluation data",
    "predict": "data to predict",
    "represent": "data to represent",
}


class MultimodalModel(keras.Model):
    """What `fit`, `evaluate`, `predict` and the like do around the networks of a `Distiller`.

    A subclass has `num_classes`, `modalities` (all names data may have), `training_inputs` (the
    names that training needs), `target_extractors` (a dict by the names that evaluation needs),
    `train_labels` (labels by index, or None), `input_dtypes` (dict, name of an input as
    `keras_amid.validation.checks.leaves` gives it -> dtype), `uses_teacher`, `student` (None
    before it is built) and `distillation_loss`.
    """

    #: Names this method logs beyond the accuracies, the classification loss and `loss`.
    log_names = ()

    def __init__(self, **kwargs):
        # Extractors cast for themselves: a waveform keeps its float32 under a float16 policy.
        super().__init__(autocast=False, **kwargs)
        self.components = ComponentMeans(
            ("student_accuracy", "teacher_accuracy", "classification_loss", *self.log_names)
        )
        self.sample_mean = SampleMean()

    # Data in.

    def expected_data(self, call):
        """What the data of a call must be.

        Args:
            call: `"fit"`, `"evaluate"`, `"predict"` or `"represent"`.

        Returns:
            `keras_amid.validation.checks.Expected`.
        """
        training = call == "fit"
        return Expected(
            where=_WHERE[call],
            needed=self.training_inputs if training else list(self.target_extractors),
            known=self.modalities,
            num_classes=self.num_classes,
            dtypes=self.input_dtypes,
            labels_by_index=self.train_labels if training else None,
            with_labels=call in ("fit", "evaluate"),
            needed_only=call == "predict",
        )

    def fit(self, *args, **kwargs):
        """`keras.Model.fit`, with the data checked first.

        Args: as of `keras.Model.fit`; x is a dict, modality -> array, and y integer labels
            `(batch,)`, or x a stream of such pairs. x may also hold "index", integers `(batch,)`:
            each sample's number in the training set, which CRD and CRCD need. `validation_data`
            may hold the target modalities only: then the student alone is evaluated.

        Raises:
            ValueError: for a missing or unknown modality, labels that are not integers of shape
                (batch,) in 0..num_classes-1, an index that is not integers of that shape (or, for
                a method with `train_labels`, not in their range or with another label), values
                that are not finite or that the extractor's dtype cannot hold, negative weights.
                Arrays are checked before the first step, streams batch by batch before each is
                used.
        """
        return feeding.run(self, "fit", super().fit, args, kwargs)

    def evaluate(self, *args, **kwargs):
        """`keras.Model.evaluate`; the target modalities suffice. Data are checked as in `fit`."""
        return feeding.run(self, "evaluate", super().evaluate, args, kwargs)

    def train_on_batch(self, *args, **kwargs):
        """`keras.Model.train_on_batch`; the arrays are checked as in `fit`."""
        return feeding.run(self, "fit", super().train_on_batch, args, kwargs)

    def test_on_batch(self, *args, **kwargs):
        """`keras.Model.test_on_batch`; the arrays are checked as in `evaluate`."""
        return feeding.run(self, "evaluate", super().test_on_batch, args, kwargs)

    def predict(self, *args, **kwargs):
        """The student's class probabilities; the target modalities suffice.

        Args: as of `keras.Model.predict`; x is a dict, modality -> array, or a stream of such
            dicts, or of `(x, y)`.

        Returns:
            float32 array, shape `(samples, num_classes)`.

        Raises:
            ValueError: as `fit`, for what x holds of the target modalities; labels do not matter.
        """
        self._require_built("predict")
        outputs = feeding.run(self, "predict", self.student.predict, args, kwargs)
        return outputs["probabilities"]

    def represent(self, x, batch_size=None, verbose=0):
        """The representations, in inference mode.

        Args:
            x: dict, modality -> array, or a stream of such dicts or of `(x, y)`.
            batch_size, verbose: as of `keras.Model.predict`.

        Returns:
            dict of `student` and, where x has the auxiliary modalities, `teacher` and
            `auxiliary` (unless the teacher is a fixed one): arrays of shape
            `(samples, representation_dim)`.

        Raises:
            ValueError: as `fit`, for what x holds; labels do not matter.
        """
        self._require_built("represent")
        outputs = feeding.run(self, "represent", super().predict, (x, batch_size, verbose), {})
        return {name: v for name, v in outputs.items() if not name.endswith("_logits")}

    def _require_built(self, call):
        if self.student is None:
            raise ValueError(
                f"{type(self).__name__} is not built, for not all its extractors are: call `fit` "
                f"or `build` (dict, modality -> shape) before `{call}`."
            )

    # Loss and logs out.

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The scalar to minimise: the batch mean of the weighted loss, and regularisers.

        Args:
            x: dict of the data; only its index is used.
            y: integer labels, shape `(batch,)`.
            y_pred: dict, from `call`.
            sample_weight: shape `(batch,)` or None; weights every per-sample term.
            training: bool.

        Returns:
            float32 scalar.
        """
        index = x.get(INDEX) if isinstance(x, dict) else None
        batch = Batch(y, y_pred, sample_weight, training, index)
        batch.log("student_accuracy", batch.accuracy(batch.student_logits))
        if batch.teacher is not None:
            batch.log("teacher_accuracy", batch.accuracy(batch.teacher_logits))
        # Data without auxiliary modalities: the student alone is evaluated.
        alone = self.uses_teacher and batch.teacher is None
        values = batch.classification_loss() if alone else self.distillation_loss(batch)
        self.components.update_state(batch.logged)
        loss = self.sample_mean.mean(values + batch.zeros(), batch.sample_weight)
        for extra in self.losses:
            loss = loss + self.sample_mean.mean(ops.reshape(ops.cast(extra, "float32"), (1,)))
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """The logs of a step: what `compute_loss` logged, and metrics given to `compile`.

        Compiled metrics see the student's probabilities. Names that this batch did not log (the
        teacher's, where the auxiliary modalities are left out) are left out.
        """
        probabilities = ops.softmax(ops.cast(y_pred["student_logits"], "float32"), axis=-1)
        logs = super().compute_metrics(x, y, probabilities, sample_weight)
        absent = set(self.components.names) - set(self.components.last_names)
        return {name: value for name, value in logs.items() if name not in absent}
