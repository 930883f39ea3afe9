"""The ripple tank: generated events that are seen and heard, to try methods in minutes."""

from keras_amid.experiments.ripple_tank.config import RippleTankConfig
from keras_amid.experiments.ripple_tank.task import RippleTankTask

__all__ = ["RippleTankConfig", "RippleTankTask"]
