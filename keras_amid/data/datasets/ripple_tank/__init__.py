"""The ripple tank, the embedded benchmark; see `tank` and `world`."""

from keras_amid.data.datasets.ripple_tank.tank import RippleTank, prepare

__all__ = ["RippleTank", "prepare"]
