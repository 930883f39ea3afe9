"""Real measurements by two sensors, few of them labelled: what crosses from one to the other."""

from keras_amid.experiments.few_labels.config import FewLabelsConfig
from keras_amid.experiments.few_labels.digits import Digits
from keras_amid.experiments.few_labels.task import FewLabelsTask
from keras_amid.experiments.few_labels.watch import Watch

__all__ = ["Digits", "FewLabelsConfig", "FewLabelsTask", "Watch"]
