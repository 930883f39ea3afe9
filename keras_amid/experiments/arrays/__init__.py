"""Experiments whose data are arrays in memory: hundreds of runs of a few seconds."""

from keras_amid.experiments.arrays.experiment import ArrayExperiment

__all__ = ["ArrayExperiment"]
