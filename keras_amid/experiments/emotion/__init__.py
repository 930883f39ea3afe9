"""Emotion recognition from the face, with sound and words as auxiliary modalities: IEMOCAP."""

from keras_amid.experiments.emotion.config import EmotionConfig
from keras_amid.experiments.emotion.experiment import EmotionExperiment
from keras_amid.experiments.emotion.task import EmotionTask

__all__ = ["EmotionConfig", "EmotionExperiment", "EmotionTask"]
