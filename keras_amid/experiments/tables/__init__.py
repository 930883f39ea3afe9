"""The paper's tables and figures over rows, seeds and trials; `main` is the command."""

from keras_amid.experiments.tables.command import main

__all__ = ["main"]
