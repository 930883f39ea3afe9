"""The ripple tank, the embedded benchmark; see `tank` and `world`."""

from keras_amid.data.datasets.ripple_tank.tank import RippleTank, RippleTankWorld, prepare, read

__all__ = ["RippleTank", "RippleTankWorld", "prepare", "read"]
