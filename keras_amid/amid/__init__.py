"""AMID, the paper whole: the model (Eq. 15 to 17), its schedule and state (Eq. 14), D1 and D2."""

from keras_amid.amid.amid import AMID
from keras_amid.amid.optimizer import amid_optimizer
from keras_amid.amid.schedule import AMIDSchedule

__all__ = ["AMID", "AMIDSchedule", "amid_optimizer"]
