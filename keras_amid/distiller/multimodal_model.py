"""A Keras model that is fed dicts of modalities: checked data in, the loss and its parts out."""

import keras
from keras import ops

from keras_amid.distiller.batch import Batch, ComponentMeans, SampleMean
from keras_amid.validation import feeds
from keras_amid.validation.arguments import INDEX
from keras_amid.validation.checks import BatchCheck, check_class_weight, check_modalities


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
                that are not finite, negative weights. Arrays are checked before the first step,
                streams batch by batch before each is used.
        """
        fit = super().fit
        arguments = feeds.bind(fit, args, kwargs)
        check_class_weight(arguments.get("class_weight"), self.num_classes)
        feeds.check_argument(self._training_check(), arguments)
        check = self._evaluation_check("validation data")
        validation_data = arguments.get("validation_data")
        if isinstance(validation_data, (tuple, list)):
            check.arrays(*check.structure(validation_data))
        elif validation_data is not None:
            arguments["validation_data"] = feeds.checked(check, validation_data)
        return feeds.run(self, lambda: fit(**arguments))

    def evaluate(self, *args, **kwargs):
        """`keras.Model.evaluate`; the target modalities suffice. Data are checked as in `fit`."""
        evaluate = super().evaluate
        arguments = feeds.bind(evaluate, args, kwargs)
        # Within `fit`, Keras passes the data that were checked there.
        if not arguments.get("_use_cached_eval_dataset"):
            feeds.check_argument(self._evaluation_check(), arguments)
        return feeds.run(self, lambda: evaluate(**arguments))

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """`keras.Model.train_on_batch`; the arrays are checked as in `fit`."""
        check_class_weight(class_weight, self.num_classes)
        self._training_check().arrays(x, y, sample_weight)
        return super().train_on_batch(x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """`keras.Model.test_on_batch`; the arrays are checked as in `evaluate`."""
        self._evaluation_check().arrays(x, y, sample_weight)
        return super().test_on_batch(x, y, sample_weight, return_dict)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """The student's class probabilities; the target modalities suffice.

        Args: as of `keras.Model.predict`; x is a dict, modality -> array, or a stream.

        Returns:
            float32 array, shape `(samples, num_classes)`.
        """
        self._require_built("predict")
        if isinstance(x, dict):
            check_modalities(x, self.target_extractors, self.modalities)
        x = feeds.select(list(self.target_extractors), x)
        predict = self.student.predict
        outputs = feeds.run(self.student, lambda: predict(x, batch_size, verbose, steps, callbacks))
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
        """
        self._require_built("represent")
        predict = super().predict
        outputs = feeds.run(self, lambda: predict(x, batch_size, verbose))
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

    # Checks.

    def _training_check(self):
        return self._check("training data", self.training_inputs, self.train_labels)

    def _evaluation_check(self, where="evaluation data"):
        return self._check(where, self.target_extractors)

    def _check(self, where, needed, labels_by_index=None):
        known = self.modalities
        return BatchCheck(
            needed, known, self.num_classes, where, self.input_dtypes, labels_by_index
        )
