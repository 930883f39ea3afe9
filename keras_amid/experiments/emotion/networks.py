"""The frozen networks of faces, sounds and words, and what they make of every utterance.

Their activations are those of their checkpoints (ReLU, GELU), although the paper's networks have
Leaky ReLU.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import ops

import keras_amid as ka
from keras_amid.data import (
    Array,
    CenterCrop,
    PreparedData,
    Tokens,
    cache_features,
    read_index,
)
from keras_amid.experiments.emotion.config import NAMES, EmotionConfig

# Utterances a call of a network; it changes nothing but the time.
_BATCH = 8


def feature_folders(data: PreparedData) -> dict[str, list[Path]]:
    """Modality of the raw data -> the folders of its features, one a session."""
    return {
        modality: [data.folder / "features" / modality / session for session in data.counts]
        for modality in NAMES["raw"].values()
    }


def cache_all_features(config: EmotionConfig, data: PreparedData, vocabulary: Path) -> None:
    """Runs the three frozen networks over all utterances of the raw data, on the first call.

    Args:
        config: its numbers.
        data: of `keras_amid.data.iemocap`.
        vocabulary: BERT's vocab.txt.
    """
    keras.utils.set_random_seed(0)  # of networks without a checkpoint: the same in every run
    samples = round(config.sound_seconds * data.sample_rate)
    tokenizer = ka.extractors.BertTokenizer(vocabulary, config.tokens)
    words = text_network(config, tokenizer.vocabulary_size)
    networks = {
        "video": (face_network(config, data), Array(config.frames), 1),
        "audio": (sound_network(config, samples), CenterCrop(samples), _BATCH),
        "text": (words, Tokens(tokenizer), _BATCH),
    }
    for modality, (network, decode, size) in networks.items():
        network.trainable = False
        caches = [
            cache_features(
                network, data.records(session), folder, modality, decode, batch_size=size
            )
            for session, folder in zip(data.counts, feature_folders(data)[modality], strict=True)
        ]
        seconds = sum(cache.seconds for cache in caches)
        saved = sum(cache.seconds_saved(config.epochs) for cache in caches)
        print(
            f"{modality} features of {sum(c.count for c in caches)} utterances took {seconds:.1f} "
            f"s, once: over {config.epochs} epochs that saves {saved:.0f} s a run",
            flush=True,
        )


def face_network(config: EmotionConfig, data: PreparedData) -> keras.Model:
    """DenseNet over frames (batch, frames, height, width, 3); padding gives zeros."""
    shape = read_index(data.records("session-1"))["modalities"]["video"]["shape"][1:]
    network = _network(
        ka.extractors.DenseNet, config.face_checkpoint, config.face_network, pooling=None
    )
    frames = keras.Input((config.frames, *shape), dtype="uint8", name="frames")
    seen = ops.any(ops.not_equal(frames, 0), axis=(2, 3, 4))
    features = network(frames)
    return keras.Model(frames, features * ops.cast(seen[..., None], features.dtype))


def sound_network(config: EmotionConfig, samples: int) -> keras.Model:
    """wav2vec 2.0 over waveforms (batch, samples); the zeros behind a sound are masked."""
    network = _network(
        ka.extractors.Wav2Vec2, config.sound_checkpoint, config.sound_network, masked=True
    )
    waveform = keras.Input((samples,), name="waveform")
    later = ops.flip(ops.cumsum(ops.flip(ops.abs(waveform), axis=1), axis=1), axis=1)
    return keras.Model(waveform, network({"waveform": waveform, "mask": later > 0}))


def text_network(config: EmotionConfig, vocabulary_size: int) -> keras.Model:
    """BERT over the tokens of the transcription."""
    sizes = dict(config.text_network)
    if sizes:
        sizes["vocabulary_size"] = vocabulary_size
    return _network(ka.extractors.Bert, config.text_checkpoint, sizes)


def _network(kind, checkpoint, sizes, **arguments):
    if checkpoint is None:
        return kind(**sizes, **arguments)
    return kind.from_checkpoint(checkpoint, **arguments)
