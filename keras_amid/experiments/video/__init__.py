"""Video recognition with the sound as auxiliary modality: UCF51, ActivityNet, your own."""

from keras_amid.experiments.video.config import VideoConfig
from keras_amid.experiments.video.experiment import VideoExperiment
from keras_amid.experiments.video.task import VideoTask

__all__ = ["VideoConfig", "VideoExperiment", "VideoTask"]
