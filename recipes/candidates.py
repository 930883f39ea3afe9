"""Two candidates that are no part of the library: an averaged teacher, and soft names in two steps.

An experiment, not a reproduction: the rows below beside those that they would have to beat, on the
handwritten numerals of digits.py (candidates_watch.py has the watch). They would become part of the
library only if they won on held-out splits; recipes/results/candidates.md says what came out.

    KERAS_BACKEND=jax python recipes/tables.py --recipe recipes/candidates.py

*Averaged teacher* (Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017):
the student also learns the softened predictions of an exponential moving average of the networks,
on all pairs, labelled or not. *Soft names*: the two-step, but the student learns the trained
teacher's softened predictions in place of hard names (Lopez-Paz et al., "Unifying distillation and
privileged information", ICLR 2016), or its representations (Gupta et al., "Cross modal distillation
for supervision transfer", CVPR 2016), beside the labels that there are.
"""

from pathlib import Path

import keras
from keras import ops

import keras_amid as ka
from keras_amid import losses
from keras_amid.experiments import Recipe, Row, main

TEMPERATURE = 2.0  # as of `ka.CCL(kl_temperature=)`
DECAY = 0.99  # of the average, a step: it is about as old as the last 100 of 1,600 steps


class AveragedTeacher:
    """A method whose student learns softened predictions of the average of its networks, too."""

    average = ()

    def start_average(self):
        """Copies the networks' variables as they are now."""
        values = self.networks.get_weights()
        self.average = self.average or [
            keras.Variable(value, trainable=False, name=f"average_{i}")
            for i, value in enumerate(values)
        ]
        for mean, value in zip(self.average, values, strict=True):
            mean.assign(value)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The method's loss, and T^2 KL(average || student) over all samples in training."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not (training and self.average):
            return loss
        logits = ops.stop_gradient(self.averaged_predictions(x))
        values = losses.tempered_kl_divergence(logits, y_pred["student_logits"], TEMPERATURE)
        return loss + ops.mean(values)

    def averaged_predictions(self, x):
        """The average takes its step; the logits of its teacher, (batch, classes)."""
        networks = self.networks
        mean_of = {}
        for variable, mean in zip(networks.variables, self.average, strict=True):
            mean.assign(DECAY * mean.value + (1 - DECAY) * ops.stop_gradient(variable.value))
            mean_of[id(variable)] = mean.value
        parts = (networks.trainable_variables, networks.non_trainable_variables)
        values = [[mean_of[id(variable)] for variable in part] for part in parts]
        inputs = {name: x[name] for name in networks.input}
        outputs, _ = networks.stateless_call(*values, inputs, training=False)
        return outputs["teacher_logits"]


class StartAverage(keras.callbacks.Callback):
    """Gives a model its average when training starts."""

    def on_train_begin(self, logs=None):
        """Makes the average."""
        self.model.start_average()


class AveragedCCL(AveragedTeacher, ka.CCL):
    """CCL with an averaged teacher."""


class AveragedAMID(AveragedTeacher, ka.AMID):
    """AMID with an averaged teacher."""


class SoftNames(ka.Distiller):
    """The second step of a two-step: labels, and the fixed teacher's softened predictions."""

    def distillation_loss(self, batch):
        """Generalized distillation: name -> (weight, values)."""
        kl = losses.tempered_kl_divergence(batch.teacher_logits, batch.student_logits, TEMPERATURE)
        return {
            "classification_loss": (1.0, batch.classification_loss(with_teacher=False)),
            "names_loss": (1.0, kl),
        }


class Transfer(ka.Distiller):
    """The second step of a two-step: labels, and the fixed teacher's representations."""

    def distillation_loss(self, batch):
        """Supervision transfer: name -> (weight, values)."""
        distance = ops.mean(ops.square(batch.student - batch.teacher), axis=1)
        return {
            "classification_loss": (1.0, batch.classification_loss(with_teacher=False)),
            "transfer_loss": (1.0, distance),
        }


AMID = ("temperature", "mi_student_weight", "mi_auxiliary_weight", "adversarial_weight")
CANDIDATES = {
    "CCL, averaged teacher": Row(
        AveragedCCL,
        arguments={"per_modality": True},
        weight="contrastive_weight",
        callbacks=(StartAverage,),
    ),
    "M detached, averaged teacher": Row(
        AveragedAMID,
        AMID,
        {"detach_teacher": True},
        schedule={},
        callbacks=(StartAverage,),
    ),
    "two-step, soft names": Row(SoftNames, ("fixed_teacher",)),
    "two-step, transfer": Row(Transfer, ("fixed_teacher",)),
}
BESIDE = ("student alone", "two-step pseudo-labels", "CCL", "CCL + KL", "M detached")


digits = Recipe.load(Path(__file__).with_name("digits.py"))
OWN = {
    "name": "candidates",
    "title": "Candidates on handwritten numerals",
    "rows": (*BESIDE, *CANDIDATES),
    "own_rows": CANDIDATES,
}
CONFIG = {**digits.config, **OWN}
SMOKE = {**digits.smoke, **OWN}

if __name__ == "__main__":
    main(CONFIG, SMOKE, __doc__)
