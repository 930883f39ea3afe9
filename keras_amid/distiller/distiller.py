"""What all methods share: extractors -> representations -> logits, in one pass."""

import keras
from keras import ops

from keras_amid.distiller import networks
from keras_amid.distiller.multimodal_model import MultimodalModel
from keras_amid.validation.arguments import (
    INDEX,
    check_choice,
    check_extractors,
    check_number,
    check_positive_int,
)
from keras_amid.validation.checks import check_modalities, leaves


class Distiller(MultimodalModel):
    """Base of all methods: a student on the target modalities, a teacher on all of them.

    A method is a subclass with one method, `distillation_loss`, and the names it logs,
    `log_names`. Every extractor runs once a step, whatever the method. A method with networks or
    state of its own has `add_networks`; one with another teacher than the MLP has `add_teacher`
    and `teacher_representation`. What these need of the subclass's own arguments is set before
    `super().__init__`.

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
        fixed_teacher: None, or a trained model (see `AMID`) that is the teacher instead.

    Attributes:
        student: functional `keras.Model`, dict of target inputs -> dict of `probabilities`,
            `logits` (batch, num_classes) and `representation` (batch, D). Saves and loads alone.
        teacher: likewise, of all inputs; None for a method without a teacher.
        teacher_mlp: 2-layer MLP, all features -> M.
        classifier: linear layer, shared by student and teacher.

    The model is built on construction where all its extractors are, otherwise by the first batch.

    Raises:
        ValueError: for an argument out of its domain, or extractors that do not fit.
    """

    #: Whether the method runs the auxiliary extractors and has a teacher.
    uses_teacher = True
    #: Labels of the training set by index, for a method that needs the index; else None.
    train_labels = None

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
        fixed_teacher=None,
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        auxiliary = {} if auxiliary is None else auxiliary
        online = self.uses_teacher and fixed_teacher is None
        check_extractors(target, auxiliary, needs_auxiliary=online)
        self.num_classes = check_positive_int("num_classes", num_classes, at_least=2)
        self.representation_dim = check_positive_int("representation_dim", representation_dim)
        self.projection = check_choice("projection", projection, ("auto", True, False))
        self.negative_slope = check_number("negative_slope", negative_slope, at_least=0)
        self.train_auxiliary = bool(train_auxiliary)
        self.target_extractors = dict(target)
        self.auxiliary_extractors = dict(auxiliary)
        if fixed_teacher is not None:
            fixed_teacher = networks.check_fixed_teacher(
                fixed_teacher, target, auxiliary, self.representation_dim, self.num_classes
            )
        self.fixed_teacher = fixed_teacher
        if not (self.train_auxiliary and online):
            for extractor in auxiliary.values():
                extractor.trainable = False
        self.input_dtypes = {}
        self.student = self.teacher = None
        self.add_networks()
        templates = {m: networks.input_template(e) for m, e in self.used_extractors.items()}
        if all(template is not None for template in templates.values()):
            self._assemble(templates)

    @property
    def used_extractors(self):
        """dict, modality -> extractor, of those this method runs; the target ones come first."""
        online = self.uses_teacher and self.fixed_teacher is None
        return {**self.target_extractors, **(self.auxiliary_extractors if online else {})}

    @property
    def training_inputs(self):
        """list of what x must hold in training: the modalities that are used, or "index" too."""
        fixed = {} if self.fixed_teacher is None else self.fixed_teacher.input
        index = [] if self.train_labels is None else [INDEX]
        return [*dict.fromkeys([*self.used_extractors, *fixed]), *index]

    @property
    def modalities(self):
        """All modality names that data may have, the target ones first."""
        names = [*self.target_extractors, *self.auxiliary_extractors, *self.training_inputs]
        return [name for name in dict.fromkeys(names) if name != INDEX]

    # Networks.

    def add_networks(self):
        """Makes the method's own networks and state, if any: a subclass's hook.

        Called before the student is built, whether that is on construction or later: the order
        of the layers, by which they are saved, is the same.
        """

    def add_teacher(self, features):
        """Makes the teacher's own networks: a subclass's hook.

        Args:
            features: dict, modality -> symbolic features `(batch, size)`.
        """
        self.teacher_mlp = networks.build_teacher_mlp(
            features, self.representation_dim, self.negative_slope
        )

    def teacher_representation(self, features, student, auxiliary):
        """M, shape `(batch, D)`: a subclass's hook.

        Args:
            features: list of features `(batch, size)`, of the target modalities first.
            student, auxiliary: S and A, shape `(batch, D)`.
        """
        return self.teacher_mlp(networks.concatenate(features))

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
        inputs, features = networks.symbolic_features(self.used_extractors, templates)
        target = {m: features[m] for m in self.target_extractors}
        self.student_projection = networks.projection_or_none(
            "student", target, self.representation_dim, self.projection
        )
        self.classifier = keras.layers.Dense(self.num_classes, dtype="float32", name="classifier")
        s = networks.represent(target.values(), self.student_projection)
        self.student = networks.classifying_model(
            "student", {m: inputs[m] for m in target}, s, self.classifier
        )
        if self.fixed_teacher is not None:
            self.teacher = self.fixed_teacher
            templates = {**networks.input_template(self.teacher), **templates}
        elif self.uses_teacher:
            self._assemble_teacher(inputs, features)
        self.input_dtypes = {name: template.dtype for name, template in leaves(templates)}
        self.built = True

    def _assemble_teacher(self, inputs, features):
        auxiliary = {m: features[m] for m in self.auxiliary_extractors}
        self.auxiliary_projection = networks.projection_or_none(
            "auxiliary", auxiliary, self.representation_dim, self.projection
        )
        self.add_teacher(features)
        # A head of its own: its layers may then be named like modalities.
        inner = networks.inputs_like(features)
        target = len(self.target_extractors)
        s = networks.represent(inner[:target], self.student_projection)
        a = networks.represent(inner[target:], self.auxiliary_projection)
        m = self.teacher_representation(inner, s, a)
        head = networks.classifying_model(networks.TEACHER_HEAD, inner, m, self.classifier)
        self.teacher = keras.Model(inputs, head(list(features.values())), name="teacher")

    def call(self, x, training=None):
        """One pass through the networks.

        Args:
            x: dict, modality -> tensor `(batch, ...)`. With the target modalities only, there is
                only the student.
            training: bool.

        Returns:
            dict of `student` (batch, D) and `student_logits` (batch, num_classes), and, where x
            has auxiliary modalities and the method uses them, `teacher`, `auxiliary` (batch, D)
            and `teacher_logits`; a fixed teacher comes without `auxiliary`.
        """
        with_teacher = self._has_teacher(x)
        needed = self.training_inputs if with_teacher else self.target_extractors
        check_modalities(x, [name for name in needed if name != INDEX], self.modalities)
        target = [e(x[m], training=training) for m, e in self.target_extractors.items()]
        student = networks.represent(target, self.student_projection)
        if with_teacher and self.fixed_teacher is None:
            return self._with_teacher(x, target, student, training)
        outputs = {"student": student, "student_logits": self.classifier(student)}
        if with_teacher:
            fixed = self.fixed_teacher({m: x[m] for m in self.teacher.input}, training=False)
            outputs |= {"teacher": fixed["representation"], "teacher_logits": fixed["logits"]}
        return outputs

    def _has_teacher(self, x):
        """Whether x has more modalities than the student's, and the method a use for them."""
        further = set(self.training_inputs) - {INDEX, *self.target_extractors}
        return self.uses_teacher and any(m in x for m in further)

    def _with_teacher(self, x, target, student, training):
        # Frozen extractors run in inference mode: no dropout, no batch statistics.
        mode = training if self.train_auxiliary else False
        extracted = [e(x[m], training=mode) for m, e in self.auxiliary_extractors.items()]
        auxiliary = networks.represent(extracted, self.auxiliary_projection)
        teacher = self.teacher_representation(target + extracted, student, auxiliary)
        # One matrix product for both: student and teacher share the classifier.
        logits = self.classifier(ops.concatenate([student, teacher], axis=0))
        student_logits, teacher_logits = ops.split(logits, 2, axis=0)
        return {
            "student": student,
            "student_logits": student_logits,
            "teacher": teacher,
            "teacher_logits": teacher_logits,
            "auxiliary": auxiliary,
        }

    def distillation_loss(self, batch):
        """The method: its loss, one value a sample. What a subclass defines.

        Args:
            batch: `keras_amid.distiller.batch.Batch` with the teacher (where the method uses one).

        Returns:
            float32 tensor, shape `(batch,)`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `distillation_loss`.")

    # Saving.

    def get_config(self):
        """The constructor's arguments, the extractors serialized."""
        serialize, fixed = keras.saving.serialize_keras_object, self.fixed_teacher
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
            **({} if fixed is None else {"fixed_teacher": serialize(fixed)}),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model of a `get_config`."""

        def layer(serialized):
            return keras.saving.deserialize_keras_object(serialized, custom_objects=custom_objects)

        layers = {
            group: {modality: layer(extractor) for modality, extractor in config[group].items()}
            for group in ("target", "auxiliary")
        }
        if "fixed_teacher" in config:
            layers["fixed_teacher"] = layer(config["fixed_teacher"])
        return cls(**{**config, **layers})
