"""Networks that turn one modality into features (batch, features), one network a file."""

from keras_amid.extractors.bert import Bert
from keras_amid.extractors.bert_tokenizer import BertTokenizer
from keras_amid.extractors.clip_mlp import clip_mlp
from keras_amid.extractors.cnn14 import CNN14
from keras_amid.extractors.dense_net import DenseNet
from keras_amid.extractors.layers.factored_conv3d import FactoredConv3D
from keras_amid.extractors.layers.log_mel_spectrogram import (
    LogMelSpectrogram,
    slaney_mel_filterbank,
)
from keras_amid.extractors.layers.spec_augment import SpecAugment
from keras_amid.extractors.layers.standardization import Standardization, adapt_standardization
from keras_amid.extractors.mlp import mlp
from keras_amid.extractors.r2plus1d import R2Plus1D
from keras_amid.extractors.recurrent_encoder import RecurrentEncoder
from keras_amid.extractors.sound_mlp import sound_mlp
from keras_amid.extractors.text_mlp import text_mlp
from keras_amid.extractors.wav2vec2 import Wav2Vec2

__all__ = [
    "Bert",
    "BertTokenizer",
    "CNN14",
    "DenseNet",
    "FactoredConv3D",
    "LogMelSpectrogram",
    "R2Plus1D",
    "RecurrentEncoder",
    "SpecAugment",
    "Standardization",
    "Wav2Vec2",
    "adapt_standardization",
    "clip_mlp",
    "mlp",
    "slaney_mel_filterbank",
    "sound_mlp",
    "text_mlp",
]
