"""The trained student for deployment; `python -m keras_amid.export` is the command."""

from keras_amid.export.runtimes import load_runtime
from keras_amid.export.saved_model import export_student, main

__all__ = ["export_student", "load_runtime", "main"]
