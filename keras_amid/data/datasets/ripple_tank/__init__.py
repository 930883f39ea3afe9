"""The ripple tank, the embedded benchmark; see `data_set`, `tank` and `world`."""

from keras_amid.data.datasets.ripple_tank.data_set import RippleTankWorld, prepare, read

__all__ = ["RippleTank", "RippleTankWorld", "prepare", "read"]


def __getattr__(name):
    # It needs the pipeline, and so Keras, which the processes that decode media do without.
    if name == "RippleTank":
        from keras_amid.data.datasets.ripple_tank.tank import RippleTank

        return RippleTank
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
