"""Data sets, one a file: official layouts -> records.

    from keras_amid.data.datasets import UCF51, prepare

    data = prepare(UCF51(split=2, short_side=112), "UCF101", "data/ucf51")

A new data set is a file with a class (see `data_set.DataSet`) and a line in `DATA_SETS`.
"""

import importlib

#: Name, also of the module and of the command -> class. All there is to register.
DATA_SETS = {
    "ucf51": "UCF51",
    "activitynet": "ActivityNet",
    "iemocap": "IEMOCAP",
    "mmin": "MMIN",
    "ripple_tank": "RippleTankWorld",
}
_HOMES = {
    "DataSet": "data_set",
    "Listing": "listing",
    "Modality": "modality",
    "PreparedData": "prepared",
    "Table": "table",
    "prepare": "preparing",
    "read_prepared": "prepared",
} | {name: module for module, name in DATA_SETS.items()}

__all__ = ["DATA_SETS", "data_set_class", *_HOMES]


def data_set_class(name):
    """Returns the class of a data set by its name in `DATA_SETS`."""
    return getattr(importlib.import_module(f"{__name__}.{name}"), DATA_SETS[name])


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
