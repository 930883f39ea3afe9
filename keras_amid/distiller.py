"""What all methods share: extractors -> representations -> logits, in one pass."""

import keras
from keras import ops

from keras_amid import feeds, networks
from keras_amid.arguments import (
    check_choice,
    check_extractors,
    check_number,
    check_positive_int,
)
from keras_amid.batch import Batch, ComponentMeans, SampleMean
from keras_amid.checked_model import CheckedModel
from keras_amid.checks import check_modalities, leaves


class Distiller(CheckedModel):
    """Base of all methods: a student on the target modalities, a teacher on all of them.

    A method is a subclass with one method, `distillation_loss`, and the names it logs,
    `log_names`. Every extractor runs once a step, whatever the method.

    Args:
        target: dict, modality name -> extractor (`keras.Model` or `keras.layers.Layer`, output
            `(batch, features)`): what the student will have when deployed.
        auxiliary: dict, likewise: what only training has. Frozen (`trainable` is set to False,
            and they run in inference mode) unless `train_auxiliary`.
        num_classes: int, at least 2.
        representation_dim: int, size D of the representations.
        train_auxiliary: bool, also train the auxiliary extractors.
        projection: `"auto"`, True or False: a linear layer brings the student's and the
            auxiliary's features to size D only where they have another size, always, or never.
        negative_slope: float, of the Leaky ReLU of the networks made here.
        name: str.

    Attributes:
        student: functional `keras.Model`, dict of target inputs -> dict of `probabilities`,
            `logits` (batch, num_classes) and `representation` (batch, D). Saves and loads alone.
        teacher_mlp: 2-layer MLP, all features -> M.
        classifier: linear layer, shared by student and teacher.

    The model is built on construction where all its extractors are, otherwise by the first batch.

    Raises:
        ValueError: for an argument out of its domain, or extractors that do not fit.
    """

    #: Names this method logs beyond the accuracies, the classification loss and `loss`.
    log_names = ()
    #: Whether the method runs the auxiliary extractors and has a teacher.
    uses_teacher = True

    def __init__(
        self,
        target,
        auxiliary=None,
        num_classes=None,
        representation_dim=512,
        train_auxiliary=False,
        projection="auto",
        negative_slope=0.2,
        name=None,
        **kwargs,
    ):
        # Extractors cast for themselves: a waveform keeps its float32 under a float16 policy.
        super().__init__(name=name, autocast=False, **kwargs)
        auxiliary = {} if auxiliary is None else auxiliary
        check_extractors(target, auxiliary, needs_auxiliary=self.uses_teacher)
        self.num_classes = check_positive_int("num_classes", num_classes, at_least=2)
        self.representation_dim = check_positive_int("representation_dim", representation_dim)
        self.projection = check_choice("projection", projection, ("auto", True, False))
        self.negative_slope = check_number("negative_slope", negative_slope, at_least=0)
        self.train_auxiliary = bool(train_auxiliary)
        self.target_extractors = dict(target)
        self.auxiliary_extractors = dict(auxiliary)
        if not (self.train_auxiliary and self.uses_teacher):
            for extractor in auxiliary.values():
                extractor.trainable = False
        self.components = ComponentMeans(
            ("student_accuracy", "teacher_accuracy", "classification_loss", *self.log_names)
        )
        self.sample_mean = SampleMean()
        self.input_dtypes = {}
        self.student = None
        self.add_networks()
        templates = {m: networks.input_template(e) for m, e in self.used_extractors.items()}
        if all(template is not None for template in templates.values()):
            self._assemble(templates)

    @property
    def used_extractors(self):
        """dict, modality -> extractor, of those this method runs; the target ones come first."""
        auxiliary = self.auxiliary_extractors if self.uses_teacher else {}
        return {**self.target_extractors, **auxiliary}

    @property
    def modalities(self):
        """All modality names, target and auxiliary."""
        return [*self.target_extractors, *self.auxiliary_extractors]

    # Networks.

    def add_networks(self):
        """Makes the method's own networks and state, if any: a subclass's hook.

        Called before the student is built, whether that is on construction or later: the order
        of the layers, by which they are saved, is the same.
        """

    def build(self, input_shape):
        """Builds from shapes, where the extractors did not tell theirs.

        Args:
            input_shape: dict, modality -> shape with the batch axis first.
        """
        if self.student is None:
            used = self.used_extractors
            check_modalities(input_shape, used, self.modalities, argument="input_shape")
            self._assemble({m: networks.input_template(e, input_shape[m]) for m, e in used.items()})

    def _assemble(self, templates):
        self.input_dtypes = {name: template.dtype for name, template in leaves(templates)}
        inputs, features = networks.symbolic_features(self.used_extractors, templates)
        target = {m: features[m] for m in self.target_extractors}
        auxiliary = {m: features[m] for m in features if m not in target}
        dim = self.representation_dim
        self.student_projection = networks.projection_or_none(
            "student", target, dim, self.projection
        )
        self.classifier = keras.layers.Dense(self.num_classes, dtype="float32", name="classifier")
        self.student = networks.build_student(
            {m: inputs[m] for m in target}, target, self.student_projection, self.classifier
        )
        if self.uses_teacher:
            self.auxiliary_projection = networks.projection_or_none(
                "auxiliary", auxiliary, dim, self.projection
            )
            self.teacher_mlp = networks.build_teacher_mlp(features, dim, self.negative_slope)
        self.built = True

    def call(self, x, training=None):
        """One pass through the networks.

        Args:
            x: dict, modality -> tensor `(batch, ...)`. With the target modalities only, there is
                only the student.
            training: bool.

        Returns:
            dict of `student` (batch, D) and `student_logits` (batch, num_classes), and, where x
            has auxiliary modalities and the method uses them, `teacher`, `auxiliary` (batch, D)
            and `teacher_logits`.
        """
        with_teacher = self.uses_teacher and any(m in x for m in self.auxiliary_extractors)
        needed = self.used_extractors if with_teacher else self.target_extractors
        check_modalities(x, needed, self.modalities)
        target = [e(x[m], training=training) for m, e in self.target_extractors.items()]
        student = self._represent(target, self.student_projection)
        if not with_teacher:
            return {"student": student, "student_logits": self.classifier(student)}
        # Frozen extractors run in inference mode: no dropout, no batch statistics.
        mode = training if self.train_auxiliary else False
        auxiliary = [e(x[m], training=mode) for m, e in self.auxiliary_extractors.items()]
        teacher = self.teacher_mlp(networks.concatenate(target + auxiliary))
        # One matrix product for both: student and teacher share the classifier.
        logits = self.classifier(ops.concatenate([student, teacher], axis=0))
        student_logits, teacher_logits = ops.split(logits, 2, axis=0)
        return {
            "student": student,
            "student_logits": student_logits,
            "teacher": teacher,
            "teacher_logits": teacher_logits,
            "auxiliary": self._represent(auxiliary, self.auxiliary_projection),
        }

    def _represent(self, features, projection):
        features = networks.concatenate(features)
        return features if projection is None else projection(features)

    # Loss and logs.

    def distillation_loss(self, batch):
        """The method: its loss, one value a sample. What a subclass defines.

        Args:
            batch: `keras_amid.batch.Batch` with the teacher (where the method uses one).

        Returns:
            float32 tensor, shape `(batch,)`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `distillation_loss`.")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The scalar to minimise: the batch mean of the weighted loss, and regularisers.

        Args:
            x: unused.
            y: integer labels, shape `(batch,)`.
            y_pred: dict, from `call`.
            sample_weight: shape `(batch,)` or None; weights every per-sample term.
            training: bool.

        Returns:
            float32 scalar.
        """
        del x
        batch = Batch(y, y_pred, sample_weight, training)
        batch.log("student_accuracy", batch.accuracy(batch.student_logits))
        if batch.teacher is not None:
            batch.log("teacher_accuracy", batch.accuracy(batch.teacher_logits))
        # Data without auxiliary modalities: the student alone is evaluated.
        alone = self.uses_teacher and batch.teacher is None
        values = batch.classification_loss() if alone else self.distillation_loss(batch)
        self.components.update_state(batch.logged)
        loss = self.sample_mean.mean(values, batch.sample_weight)
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

    # Predicting.

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
            `auxiliary`: arrays of shape `(samples, representation_dim)`.
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

    # Saving.

    def get_config(self):
        """The constructor's arguments, the extractors serialized."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "name": self.name,
            "target": {m: serialize(e) for m, e in self.target_extractors.items()},
            "auxiliary": {m: serialize(e) for m, e in self.auxiliary_extractors.items()},
            "num_classes": self.num_classes,
            "representation_dim": self.representation_dim,
            "train_auxiliary": self.train_auxiliary,
            "projection": self.projection,
            "negative_slope": self.negative_slope,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model of a `get_config`."""
        extractors = {
            group: {
                modality: keras.saving.deserialize_keras_object(e, custom_objects=custom_objects)
                for modality, e in config[group].items()
            }
            for group in ("target", "auxiliary")
        }
        return cls(**{**config, **extractors})
