"""The networks behind the names of `networks.NETWORKS`: `Input` -> `keras.Model`."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers, ops

import keras_amid as ka
from keras_amid.extractors.mlp import leaky_dense

_FILES = (".pth", ".pt", ".bin", ".safetensors")


def r2plus1d(depth, width):
    def make(data, slope):
        return ka.extractors.R2Plus1D(depth, width, slope, data.shape)

    return make


def load_r2plus1d(data, path):
    return ka.extractors.R2Plus1D.from_checkpoint(path, input_shape=data.shape)


def clip_mlp(data, slope):
    frames, height, width, _ = data.shape
    cells = (_divisor(frames, 4), _divisor(height, 8), _divisor(width, 8))
    return ka.extractors.clip_mlp(
        data.shape, cells, mean=114.0, standard_deviation=66.0, negative_slope=slope
    )


def _divisor(number, most):
    return max(part for part in range(1, most + 1) if number % part == 0)


def log_mel(data, slope):
    """Mean and standard deviation over time of the log-mel spectrogram: nothing to learn."""
    del slope
    rate = data.sample_rate
    fft_length = 2 ** max(8, round(rate * 0.06).bit_length())
    waveform = keras.Input(data.shape, dtype="float32", name="waveform")
    x = _at_least(waveform, fft_length)
    x = ka.extractors.LogMelSpectrogram(
        rate, fft_length, fft_length // 4, 64, 50.0, min(14000.0, 0.45 * rate), name="log_mel"
    )(x)
    x = ops.concatenate([ops.mean(x, axis=1), ops.std(x, axis=1)], axis=-1)
    return keras.Model(waveform, _standardized(x), name="log_mel")


def _at_least(waveform, samples):
    lacking = samples - waveform.shape[1]
    return ops.pad(waveform, ((0, 0), (0, lacking))) if lacking > 0 else waveform


def cnn14(data, slope):
    return ka.extractors.CNN14(512, data.sample_rate, slope, width=0.25, input_shape=data.shape)


def load_cnn14(data, path):
    features = 512 if "emb512" in path else 2048
    return ka.extractors.CNN14.from_checkpoint(
        path, features=features, sample_rate=data.sample_rate, input_shape=data.shape
    )


def wav2vec2(data, slope):
    del slope
    _check_rate(data, 16000)
    return ka.extractors.Wav2Vec2(hidden_size=256, num_hidden_layers=4, num_attention_heads=4,
                                  intermediate_size=1024)  # fmt: skip


def load_wav2vec2(data, path):
    _check_rate(data, 16000)
    return ka.extractors.Wav2Vec2.from_checkpoint(path)


def _check_rate(data, rate):
    if data.sample_rate != rate:
        raise ValueError(
            f"`extractor` of {data.name!r} needs sound at {rate} Hz; received {data.sample_rate} "
            f"Hz: prepare the data with --sample-rate {rate}."
        )


def dense_net(data, slope):
    del slope
    _check_colour(data)
    return ka.extractors.DenseNet()


def load_dense_net(data, path):
    _check_colour(data)
    kind = ka.extractors.DenseNet
    return kind.from_checkpoint(path) if path.endswith(_FILES) else kind.from_preset(path)


def _check_colour(data):
    if data.shape[-1] != 3:
        raise ValueError(
            f"`extractor` of {data.name!r} needs colour; received {data.shape[-1]} channel."
        )


def mlp(data, slope):
    features = keras.Input(data.shape, dtype="float32", name="features")
    x = _standardized(layers.Flatten(name="flat")(features))
    return keras.Model(features, leaky_dense(x, (96, 64), slope), name="mlp")


def recurrent(data, slope):
    del slope
    if data.kind == "text":
        tokens = keras.Input(data.shape, dtype="int32", name="tokens")
        x = layers.Embedding(data.tokenizer.size, 48, name="embedding")(tokens)
        x = x * _there(ops.expand_dims(tokens, -1), x.dtype)
        return keras.Model(tokens, _encoder(48)(x), name="recurrent")
    if len(data.shape) != 2:
        raise ValueError(
            f"`extractor` of {data.name!r} needs arrays (steps, features); received shape "
            f"{data.shape}."
        )
    frames = keras.Input(data.shape, dtype="float32", name="frames")
    # Steps of zeros are padding, and stay zeros.
    x = _standardized(frames) * _there(frames, "float32")
    return keras.Model(frames, _encoder(data.shape[-1])(x), name="recurrent")


def _there(x, dtype):
    return ops.cast(ops.any(ops.not_equal(x, 0), axis=-1, keepdims=True), dtype)


def _encoder(size):
    return ka.extractors.RecurrentEncoder(size, units=64, cell="gru")


def _standardized(x):
    return ka.extractors.Standardization(dtype="float32", name="standardized")(x)


def text_mlp(data, slope):
    return ka.extractors.text_mlp(data.tokenizer.size, data.shape[0], negative_slope=slope)


def bert(data, slope):
    del slope
    tokens = keras.Input(data.shape, dtype="int32", name="tokens")
    bert = ka.extractors.Bert(
        vocabulary_size=data.tokenizer.size, num_layers=2, num_heads=4, hidden_dim=128,
        intermediate_dim=256,
    )  # fmt: skip
    mask = ops.cast(ops.not_equal(tokens, 0), "int32")
    features = bert({"token_ids": tokens, "padding_mask": mask})
    return keras.Model(tokens, features, name="bert_small")


def load_bert(data, path):
    del data
    kind = ka.extractors.Bert
    return kind.from_preset(path) if _is_preset(path) else kind.from_checkpoint(path)


def bert_tokenizer(path, length):
    vocabulary = Path(path) / "vocab.txt"
    if not vocabulary.is_file():
        found = sorted(Path(path).glob("**/vocab*.txt")) if Path(path).is_dir() else []
        if not found:
            raise ValueError(
                f"`checkpoint` must be a folder with BERT's vocab.txt; received {path!r}."
            )
        vocabulary = found[0]
    return ka.extractors.BertTokenizer(vocabulary, length)


def _is_preset(path):
    return (Path(path) / "task.json").exists() or (Path(path) / "metadata.json").exists()
