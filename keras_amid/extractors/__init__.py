"""Networks that turn one modality into features (batch, features), one network a file."""

from keras_amid.extractors.clip_mlp import clip_mlp
from keras_amid.extractors.factored_conv3d import FactoredConv3D
from keras_amid.extractors.log_mel_spectrogram import LogMelSpectrogram, slaney_mel_filterbank
from keras_amid.extractors.mlp import mlp
from keras_amid.extractors.r2plus1d import r2plus1d
from keras_amid.extractors.sound_mlp import sound_mlp
from keras_amid.extractors.standardization import Standardization, adapt_standardization
from keras_amid.extractors.text_mlp import text_mlp

__all__ = [
    "FactoredConv3D",
    "LogMelSpectrogram",
    "Standardization",
    "adapt_standardization",
    "clip_mlp",
    "mlp",
    "r2plus1d",
    "slaney_mel_filterbank",
    "sound_mlp",
    "text_mlp",
]
