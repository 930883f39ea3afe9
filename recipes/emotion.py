"""IEMOCAP's features and networks, from the raw data or from the MMIN project's feature files."""

import dataclasses

import keras
import numpy as np
from keras import ops

import keras_amid as ka
from keras_amid.data import (
    Array,
    Cached,
    CenterCrop,
    EpochShuffle,
    Tokens,
    cache_features,
    read_index,
)
from keras_amid.experiments import rows as methods
from keras_amid.experiments import training as comparison
from keras_amid.experiments.task import Experiment
from keras_amid.extractors import Standardization, adapt_standardization

DECAY, DISCRIMINATOR_RATE = 0.0, 3e-4
SAMPLE_RATE = 16000
#: What each modality is called in the data, by --features.
NAMES = {
    "raw": {"face": "video", "audio": "audio", "text": "text"},
    "mmin": {"face": "face_features", "audio": "audio_features", "text": "text_features"},
}


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What a full run and a smoke run differ in.

    Attributes:
        frames: of the face, at most; what is longer is cut.
        sound_seconds: of an utterance, cut from its middle where longer.
        tokens: of text, at most.
        short_side: of the speaker's picture, pixels.
        units: of the student's LSTM, and D.
        batch, epochs, warmup_epochs: samples, epochs, epochs.
        rate: learning rate.
        face_network, sound_network, text_network: constructor arguments of networks without a
            checkpoint.
    """

    frames: int = 120
    sound_seconds: float = 12.0
    tokens: int = 64
    short_side: int = 128
    units: int = 768
    batch: int = 128
    epochs: int = 60
    warmup_epochs: int = 5
    rate: float = 2e-4
    face_network: dict = dataclasses.field(default_factory=dict)
    sound_network: dict = dataclasses.field(default_factory=dict)
    text_network: dict = dataclasses.field(default_factory=dict)


def cached_features(data, options):
    """Runs the three frozen networks once over all utterances of the raw data.

    Args:
        data: `PreparedData` of `keras_amid.data.datasets.iemocap`.
        options: from the recipe's `parse`.

    Returns:
        dict, modality -> list of folders, one a session.
    """
    sizes, networks = options.sizes, {}
    keras.utils.set_random_seed(0)  # of networks without a checkpoint: the same in every run
    samples = round(sizes.sound_seconds * SAMPLE_RATE)
    tokenizer = ka.extractors.BertTokenizer(options.vocabulary, sizes.tokens)
    networks["video"] = (face_network(options, data), Array(sizes.frames), 1)
    networks["audio"] = (sound_network(options, samples), CenterCrop(samples), 8)
    networks["text"] = (text_network(options, tokenizer), Tokens(tokenizer), 8)
    folders = feature_folders(data)
    for modality, (network, decode, size) in networks.items():
        network.trainable = False
        caches = [
            cache_features(
                network, data.records(session), folder, modality, decode, batch_size=size
            )
            for session, folder in zip(data.counts, folders[modality], strict=True)
        ]
        seconds = sum(cache.seconds for cache in caches)
        saved = sum(cache.seconds_saved(options.epochs) for cache in caches)
        print(
            f"{modality} features of {sum(c.count for c in caches)} utterances took {seconds:.1f} "
            f"s, once: over {options.epochs} epochs that saves {saved:.0f} s a run",
            flush=True,
        )
    return folders


def feature_folders(data):
    """dict, modality of the raw data -> list of the folders of its features, one a session."""
    return {
        modality: [data.folder / "features" / modality / session for session in data.counts]
        for modality in NAMES["raw"].values()
    }


def face_network(options, data):
    """DenseNet over frames (batch, frames, height, width, 3); padding gives zeros."""
    shape = read_index(data.records("session-1"))["modalities"]["video"]["shape"][1:]
    network = _network(
        ka.extractors.DenseNet, options.face_checkpoint, options.sizes.face_network, pooling=None
    )
    frames = keras.Input((options.sizes.frames, *shape), dtype="uint8", name="frames")
    seen = ops.any(ops.not_equal(frames, 0), axis=(2, 3, 4))
    features = network(frames)
    return keras.Model(frames, features * ops.cast(seen[..., None], features.dtype))


def sound_network(options, samples):
    """wav2vec 2.0 over waveforms (batch, samples); the zeros behind a sound are masked."""
    network = _network(
        ka.extractors.Wav2Vec2, options.sound_checkpoint, options.sizes.sound_network, masked=True
    )
    waveform = keras.Input((samples,), name="waveform")
    later = ops.flip(ops.cumsum(ops.flip(ops.abs(waveform), axis=1), axis=1), axis=1)
    return keras.Model(waveform, network({"waveform": waveform, "mask": later > 0}))


def text_network(options, tokenizer):
    """BERT over the tokens of the transcription."""
    sizes = options.sizes.text_network
    if sizes:
        sizes = {**sizes, "vocabulary_size": tokenizer.vocabulary_size}
    return _network(ka.extractors.Bert, options.text_checkpoint, sizes)


def _network(kind, checkpoint, sizes, **arguments):
    if checkpoint is None:
        return kind(**sizes, **arguments)
    return kind.from_checkpoint(checkpoint, **arguments)


class Emotions(Experiment):
    """One fold's data and networks; see `task.Experiment`.

    Args:
        data: `PreparedData` of `iemocap` or `mmin`.
        features: dict, modality -> list of folders by session, or None where the records hold the
            features themselves.
        options: from the recipe's `parse`.
        auxiliary: names among "audio" and "text".
        session: int, 1 to 5, the one left out.
        seed: int.
    """

    discriminator_rate = DISCRIMINATOR_RATE

    def __init__(self, data, features, options, auxiliary, session, seed):
        self.data, self.features, self.options, self.seed = data, features, options, seed
        self.names = NAMES[options.features]
        self.auxiliary = [self.names[name] for name in auxiliary]
        self.train_split, self.test_split = data.fold(session)
        self.sizes = options.sizes

    def batches(self, splits, modalities, **pipeline):
        """Batches of features: face (batch, frames, features), auxiliary ones likewise."""
        splits = [splits] if isinstance(splits, str) else splits
        sessions = [list(self.data.counts).index(split) for split in splits]
        decoders = {}
        for name in modalities:
            pad = self.sizes.frames if len(self._shape(name)) == 2 else None
            if self.features is None:
                decoders[name] = Array(pad)
            else:
                decoders[name] = Cached([self.features[name][i] for i in sessions], pad)
        return self.data.pipeline(splits, self.sizes.batch, decoders, **pipeline)

    def example(self):
        """A test batch of the student's input, dict of one array."""
        batches = self.batches(self.test_split, (self.names["face"],)).as_numpy_iterator()
        return next(batches)[0]

    def _shape(self, name):
        """Shape of a modality's features; None in a dimension in which utterances differ."""
        folder = self.data.records("session-1")
        if self.features is not None:
            folder = self.features[name][0]
        return read_index(folder)["modalities"][name]["shape"]

    def extractors(self):
        """An LSTM over the face's frames; of the auxiliary features, the mean over time."""
        face = self.names["face"]
        size = self._shape(face)[-1]
        student = ka.extractors.RecurrentEncoder(size, units=self.sizes.units)
        return {face: student}, {name: self._pooled(name) for name in self.auxiliary}

    def _pooled(self, name):
        """Features as they are, or their mean over time, standardized on the training sessions."""
        batches = self.batches(self.train_split, (name,)).as_numpy_iterator()
        values = np.concatenate([x[name] for x, _ in batches])
        inputs = x = keras.Input(values.shape[1:])
        if values.ndim == 3:  # frames of zeros are padding
            seen = ops.cast(ops.any(ops.not_equal(x, 0), axis=-1, keepdims=True), "float32")
            x = ops.sum(x, axis=1) / ops.maximum(ops.sum(seen, axis=1), 1.0)
        pooled = keras.Model(inputs, Standardization(name="standardized")(x))
        adapt_standardization(pooled, "standardized", values)
        return pooled

    def settings(self):
        """The paper's hyperparameters for emotion recognition."""
        rows = [row for split in self.train_split for row in self.data.samples(split)]
        return methods.Settings(
            num_classes=self.data.num_classes,
            representation_dim=self.sizes.units,
            temperature=0.6,
            warmup_epochs=min(self.sizes.warmup_epochs, self.options.epochs // 4),
            train_labels=np.array([row["label"] for row in rows]),
        )

    def optimizer(self, rate, decay):
        """Adam, the rate going to 0 by a cosine (the paper names no optimizer)."""
        count = sum(self.data.counts[split] for split in self.train_split)
        steps = self.options.epochs * (count // self.sizes.batch)
        schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
        return keras.optimizers.AdamW(schedule, weight_decay=decay)

    def fit(self, model, callbacks, folder):
        """Trains to the last epoch: nothing is chosen by the figures of the session left out."""
        shuffle = EpochShuffle(self.seed)
        train = self.batches(
            self.train_split, methods.modalities(model), shuffle=shuffle, with_index=True,
            drop_remainder=True,  # one shape compiles, and the contrastive terms see as many
        )  # fmt: skip
        if self.options.tensorboard:
            callbacks = [*callbacks, keras.callbacks.TensorBoard(str(folder / "tensorboard"))]
        return comparison.fit(
            model, train, None, self.options.epochs, [shuffle, *callbacks], folder
        )

    def validate(self, model):
        """A fold has no validation split."""
        raise NotImplementedError("a fold has no validation split: nothing to tune on")

    def measure(self, model):
        """WA and UA of the student on the session left out, and the teacher's."""
        test = self.batches(self.test_split, methods.modalities(model), with_index=True)
        predictions = ka.predict_videos(model, test)
        sides = {"student": predictions.probabilities, "teacher": predictions.teacher_probabilities}
        labels, classes = predictions.labels, self.data.num_classes
        figures = {
            f"{side} {name}": 100 * value
            for side, probabilities in sides.items()
            if probabilities is not None
            for name, value in ka.weighted_and_unweighted_accuracy(
                labels, probabilities, classes
            ).items()
        }
        per_class = 100 * ka.per_class_accuracy(labels, predictions.probabilities, classes)
        return figures | {"per class": [None if v != v else v for v in per_class.tolist()]}
