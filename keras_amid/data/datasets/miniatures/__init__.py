"""Tiny imitations of the official layouts, with real files: try your set-up without the data.

    from keras_amid.data import ucf51
    from keras_amid.data.datasets.miniatures import ucf51 as miniature

    data = ucf51.prepare(miniature.write("miniature/ucf51"), "miniature/records")

Each class has a moving pattern, a tone and words of its own, so that models can learn. Beside the
good files lie awkward ones: cut short, empty, silent, turned, missing; the report of the
preparation names what becomes of them.
"""

import importlib
import pkgutil

# Every module here but `content`, which they share.
__all__ = sorted(module.name for module in pkgutil.iter_modules(__path__))
__all__.remove("content")


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
