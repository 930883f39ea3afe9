"""What all methods share: one graph of networks, and the step around a method's loss."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_amid.distiller import devices, graph, step
from keras_amid.distiller.assembly import assemble
from keras_amid.distiller.batch import Batch
from keras_amid.distiller.checked_calls import CheckedCalls
from keras_amid.distiller.component_means import ComponentMeans
from keras_amid.distiller.construction import (
    deserialized_arguments,
    serialized_arguments,
    then,
)
from keras_amid.distiller.fixed_teacher import check_fixed_teacher
from keras_amid.distiller.presence import without_absent
from keras_amid.typing import Tensor
from keras_amid.validation.arguments import (
    check_choice,
    check_extractors,
    check_number,
    check_positive_int,
)
from keras_amid.validation.checks import check_modalities
from keras_amid.validation.rules import INDEX, PRESENT


class Distiller(CheckedCalls, keras.Model):
    """Base of all methods: a student on the target modalities, a teacher on all of them.

    A method is a subclass with one method, `distillation_loss`, which returns its terms. Every
    extractor runs once a step, whatever the method. Three hooks, called in this order when the
    networks are built, are there for what a method needs beyond that: `add_networks`,
    `add_teacher` and `teacher_representation`; a fourth, `monitored`, for what it logs beyond its
    terms.

    Args:
        target: dict, modality name -> extractor (`keras.Model` or `keras.layers.Layer`, output
            `(batch, features)`): what the student will have when deployed.
        auxiliary: dict, likewise: what only training has. Frozen (`trainable` is set to False,
            and they run in inference mode) unless `train_auxiliary`. Batch statistics of one that
            trains see zeros in the place of what a sample lacks (`x["present"]`).
        num_classes: int, at least 2.
        representation_dim: int, size D of the representations.
        train_auxiliary: bool, also train the auxiliary extractors.
        projection: `"auto"`, True or False: a linear layer brings the student's and the
            auxiliary's features to size D only where they have another size, always, or never.
        negative_slope: float, of the Leaky ReLU of the networks made here.
        semi_supervised: bool, ours and not the paper's: the label -1 says that a sample has none;
            see `Batch`. Otherwise -1 is refused.
        fixed_teacher: None, or a trained model (see `AMID`) that is the teacher instead.
        name: str.
        **kwargs: of `keras.Model`.

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
    #: Whether its loss forms A, so that A's accuracy, through the classifier, is logged.
    forms_auxiliary = False
    #: Names of the modalities that have a representation of their own, beside S.
    separate_modalities: tuple = ()
    #: Labels of the training set by index, for a method that needs the index; else None.
    train_labels = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.__init__ = then(Distiller._build_where_known)(cls.__init__)

    def __init__(
        self,
        target: dict,
        auxiliary: dict | None = None,
        num_classes: int | None = None,
        representation_dim: int = 512,
        *,
        train_auxiliary: bool = False,
        projection: bool | str = "auto",
        negative_slope: float = 0.2,
        semi_supervised: bool = False,
        fixed_teacher: keras.Model | None = None,
        name: str | None = None,
        **kwargs,
    ):
        # Extractors cast for themselves: a waveform keeps its float32 under a float16 policy.
        super().__init__(autocast=False, name=name, **kwargs)
        auxiliary = {} if auxiliary is None else auxiliary
        online = self.uses_teacher and fixed_teacher is None
        check_extractors(target, auxiliary, needs_auxiliary=online)
        self.num_classes = check_positive_int("num_classes", num_classes, at_least=2)
        self.representation_dim = check_positive_int("representation_dim", representation_dim)
        self.projection = check_choice("projection", projection, ("auto", True, False))
        self.negative_slope = check_number("negative_slope", negative_slope, at_least=0)
        self.train_auxiliary = bool(train_auxiliary)
        self.semi_supervised = bool(semi_supervised)
        self.target_extractors = dict(target)
        self.auxiliary_extractors = dict(auxiliary)
        if fixed_teacher is not None:
            sizes = (self.representation_dim, self.num_classes)
            fixed_teacher = check_fixed_teacher(fixed_teacher, target, auxiliary, *sizes)
        self.fixed_teacher = fixed_teacher
        if not (self.train_auxiliary and online):
            for extractor in auxiliary.values():
                extractor.trainable = False
        self.input_dtypes: dict = {}
        self.student = self.teacher = None
        self.components, self.sample_mean = ComponentMeans(), step.SampleMean()

    # What the data must hold.

    @property
    def used_extractors(self) -> dict:
        """dict, modality -> extractor, of those this method runs; the target ones come first."""
        online = self.uses_teacher and self.fixed_teacher is None
        return {**self.target_extractors, **(self.auxiliary_extractors if online else {})}

    @property
    def training_inputs(self) -> list:
        """list of what x must hold in training: the modalities that are used, or "index" too."""
        fixed = {} if self.fixed_teacher is None else self.fixed_teacher.input
        index: list = [] if self.train_labels is None else [INDEX]
        return [*dict.fromkeys([*self.used_extractors, *fixed]), *index]

    @property
    def modalities(self) -> list:
        """All modality names that data may have, the target ones first."""
        names = [*self.target_extractors, *self.auxiliary_extractors, *self.training_inputs]
        return [name for name in dict.fromkeys(names) if name != INDEX]

    # Networks.

    def add_networks(self) -> None:
        """Makes the method's own networks and state, if any: a method's hook."""

    def add_teacher(self, features: dict) -> None:
        """Makes the teacher's own networks: a method's hook.

        Args:
            features: dict, modality -> symbolic features `(batch, size)`.
        """
        self.teacher_mlp = graph.build_teacher_mlp(
            features, self.representation_dim, self.negative_slope
        )

    def teacher_representation(self, features: list, student: Tensor, auxiliary: Tensor) -> Tensor:
        """M, shape `(batch, D)`: a method's hook.

        Args:
            features: list of features `(batch, size)`, of the target modalities first.
            student, auxiliary: S and A, shape `(batch, D)`. With `separate_modalities`,
                `auxiliary` is a dict, auxiliary modality -> `(batch, D)`.
        """
        return self.teacher_mlp(graph.concatenate(features))

    def build(self, input_shape: Any) -> None:
        """Builds from shapes, where the extractors did not tell theirs.

        Args:
            input_shape: dict, modality -> shape with the batch axis first.
        """
        if self.student is None:
            used = self.used_extractors
            check_modalities(input_shape, used, self.modalities, argument="input_shape")
            assemble(self, {m: graph.input_template(e, input_shape[m]) for m, e in used.items()})

    def _build_where_known(self):
        templates = {m: graph.input_template(e) for m, e in self.used_extractors.items()}
        if all(template is not None for template in templates.values()):
            assemble(self, templates)

    def call(self, x: Any, training: bool | None = None) -> Any:
        """One pass through the networks.

        Args:
            x: dict, modality -> tensor `(batch, ...)`. With the target modalities only, there is
                only the student. "present" may say which samples have a modality, dict, modality
                -> bool `(batch,)`; the networks see zeros in the place of what is absent.
            training: bool.

        Returns:
            dict of `student` (batch, D) and `student_logits` (batch, num_classes), and, where x
            has auxiliary modalities and the method uses them, `teacher`, `auxiliary` (batch, D)
            and `teacher_logits`; a fixed teacher comes without `auxiliary`. For a method with
            `separate_modalities` also `modalities`, dict, modality -> (batch, D). Besides them
            `complete`, bool `(batch,)`, where x says that samples may lack what the teacher takes.
        """
        networks = self.networks if self._has_teacher(x) else self.student_networks
        check_modalities(x, networks.input, self.modalities)
        inputs, complete = without_absent({m: x[m] for m in networks.input}, x.get(PRESENT))
        outputs = networks(inputs, training=training)
        return outputs if complete is None else {**outputs, "complete": complete}

    def _has_teacher(self, x):
        """Whether x has more modalities than the student's, and the method a use for them."""
        further = set(self.training_inputs) - {INDEX, *self.target_extractors}
        return self.uses_teacher and any(m in x for m in further)

    # Loss and logs.

    def distillation_loss(self, batch: Batch) -> dict:
        """The method: the terms of its loss. What a subclass defines.

        Args:
            batch: `keras_amid.Batch` with the teacher (where the method uses one).

        Returns:
            dict, name -> `(weight, values)`: the loss is the sum of `weight * values`, and the
            batch mean of the values is logged under the name. A weight is a float or a scalar
            tensor, values are a float tensor, shape `(batch,)`. Means are over the complete
            samples of the batch, whatever the values of others; but `classification_loss`, of
            `batch.cross_entropy`, has all in it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `distillation_loss`.")

    def monitored(self, batch: Batch, terms: dict) -> dict:
        """What is logged beyond the terms: a method's hook.

        Args:
            batch: as of `distillation_loss`.
            terms: what `distillation_loss` returned for it.

        Returns:
            dict, name -> `(value, weight)`, scalar tensors: the logs show the weighted mean over
            the epoch.
        """
        return {}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """The scalar to minimise: the batch mean of the weighted loss, and regularisers.

        Args:
            x: dict of the data; only its index is used.
            y: integer labels, shape `(batch,)`.
            y_pred: dict, from `call`.
            sample_weight: shape `(batch,)` or None; weights every per-sample term.
            training: bool.

        Returns:
            float32 scalar; on each of several devices that of the whole batch, see `devices`.

        Raises:
            ValueError: if `compile` was given a loss, or on devices that cannot share a batch.
        """
        step.refuse_compiled_loss(self, {"loss": self.loss})
        shard = (y, y_pred, sample_weight, x.get(INDEX) if isinstance(x, dict) else None)
        y, y_pred, sample_weight, index = devices.whole_batch(self, shard, training)
        batch = Batch(y, y_pred, sample_weight, training, index, self.semi_supervised)
        terms, logs = step.terms_and_logs(self, batch)
        self.components.update_state(step.detached(logs))
        loss = self.sample_mean.mean(step.total(terms, batch), batch.sample_weight)
        for extra in self.losses:
            loss = loss + self.sample_mean.mean(ops.reshape(ops.cast(extra, loss.dtype), (1,)))
        return loss

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Tensor | None = None
    ) -> dict:
        """The logs of a step: what `compute_loss` logged, and metrics given to `compile`.

        Compiled metrics see the student's probabilities. What this batch did not log (the
        teacher's figures, where the auxiliary modalities are left out) is left out.
        """
        probabilities = ops.softmax(ops.cast(y_pred["student_logits"], "float32"), axis=-1)
        logs = super().compute_metrics(x, y, probabilities, sample_weight)
        absent = set(self.components.names) - set(self.components.updated)
        return {name: value for name, value in logs.items() if name not in absent}

    # Saving.

    def get_config(self) -> dict:
        """The constructor's arguments, the extractors serialized."""
        return {**super().get_config(), **serialized_arguments(self, Distiller)}

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> keras.Model:
        """The model of a `get_config`."""
        return cls(**deserialized_arguments(config, custom_objects))
