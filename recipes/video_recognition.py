"""What the recipes of real videos share: UCF51 and ActivityNet, Table 1 and 2.

The video network learns from random clips, from scratch; the sound network, pre-trained and frozen,
is run once over each video's sound. A video's test figures are means over all its windows.
"""

import argparse
import dataclasses
import logging
import time
from pathlib import Path
from types import ModuleType

import comparison
import keras
import methods
import runs
from task import Experiment

import keras_amid as ka
from keras_amid.data import (
    CenterCrop,
    EpochShuffle,
    RandomClip,
    RandomCrop,
    Windows,
    cache_features,
    read_index,
)  # fmt: skip

DISCRIMINATOR_RATE = 3e-4
MOMENTUM = 0.9
DECAY = 5e-4
SOUND_BATCH = 8
COLUMNS = ("student top-1", "student R@1", "student R@5", "teacher top-1")


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What a full run and a smoke run differ in.

    Attributes:
        frames, stride, size: of clips and windows: frames, frames, pixels.
        depth, width: of `ka.extractors.R2Plus1D`.
        sound_width: of `ka.extractors.CNN14`.
        sound_seconds: of a video's sound, cut from its middle, padded where shorter.
        batch, epochs, warmup_epochs: samples, epochs, epochs.
        milestones: epochs after which the learning rate is divided by 10.
        representation_dim: D.
        rate: learning rate.
    """

    frames: int = 16
    stride: int = 16
    size: int = 112
    depth: int = 18
    width: float = 1.0
    sound_width: float = 1.0
    sound_seconds: float = 10.0
    batch: int = 16
    epochs: int = 300
    warmup_epochs: int = 20
    milestones: tuple = (150, 225)
    representation_dim: int = 512
    rate: float = 1e-3


SMOKE = Sizes(8, 8, 32, 10, 1 / 16, 1 / 32, 1.0, 4, 8, 2, (6,), 32, 2e-2)


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """A data set and the rows it aims at.

    Attributes:
        name: str, of files and folders.
        data: module of `keras_amid.data` with `prepare`.
        miniature: module with `write`, which imitates the data set on disk.
        test: str, the split that is tested on.
        paper: dict, row -> dict, one of `COLUMNS` -> percent.
    """

    name: str
    data: ModuleType
    miniature: ModuleType
    test: str
    paper: dict


class VideoExperiment(Experiment):
    """One seed's networks and data; see `task.Experiment`.

    Args:
        data: `keras_amid.data.dataset.PreparedData`.
        benchmark: `Benchmark`.
        options: from `parse`.
        seed: int.
    """

    discriminator_rate = DISCRIMINATOR_RATE

    def __init__(self, data, benchmark, options, seed):
        self.data, self.test_split, self.options, self.seed = data, benchmark.test, options, seed
        self.sizes = options.sizes
        self.samples = round(self.sizes.sound_seconds * data.sample_rate)
        self.features = {} if options.random_sound else self._cached_sound()

    def _sound_network(self):
        if self.options.sound_checkpoint is not None:
            network = ka.extractors.CNN14.from_checkpoint(self.options.sound_checkpoint)
        else:
            # The same one in every run, so that its features are found again.
            keras.utils.set_random_seed(0)
            network = ka.extractors.CNN14(features=32, width=self.sizes.sound_width)
        network.trainable = False
        return network

    def _cached_sound(self):
        """The sound network's features of each video, made on the first call: split -> folder."""
        network, caches = self._sound_network(), {}
        for split in ("train", self.test_split):
            caches[split] = cache_features(
                network, self.data.records(split), self.data.folder / "features" / split, "audio",
                batch_size=SOUND_BATCH, sound=CenterCrop(self.samples),
            )  # fmt: skip
        train, epochs = caches["train"], self.options.epochs
        print(
            f"Sound features of {train.count} training videos took {train.seconds:.1f} s, once: "
            f"over {epochs} epochs that saves {train.seconds_saved(epochs):.0f} s a run",
            flush=True,
        )
        return {split: cache.folder for split, cache in caches.items()}

    def extractors(self):
        """R(2+1)D from scratch, and the sound's network or what was kept of it."""
        sizes = self.sizes
        video = ka.extractors.R2Plus1D(
            depth=sizes.depth,
            width=sizes.width,
            input_shape=(sizes.frames, sizes.size, sizes.size, 3),
        )
        if self.options.random_sound:
            return {"video": video}, {"audio": self._sound_network()}
        size = read_index(self.features["train"])["modalities"]["audio"]["shape"][-1]
        features = keras.Sequential([keras.Input((size,)), keras.layers.Identity()])
        return {"video": video}, {"audio": features}

    def settings(self):
        """The paper's hyperparameters."""
        return methods.Settings(
            num_classes=self.data.num_classes,
            representation_dim=self.sizes.representation_dim,
            warmup_epochs=min(self.sizes.warmup_epochs, self.options.epochs // 4),
            train_labels=[row["label"] for row in self.data.samples("train")],
        )

    def optimizer(self, rate, decay):
        """SGD with momentum; the rate is divided by 10 at the milestones."""
        steps = self.data.counts["train"] // self.sizes.batch
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
            [epoch * steps for epoch in self.sizes.milestones],
            [rate / 10**i for i in range(len(self.sizes.milestones) + 1)],
        )
        # PyTorch, for which the decay is given, adds it to the gradient, so that the momentum
        # multiplies it too; Keras takes it from the weights.
        return keras.optimizers.SGD(schedule, MOMENTUM, weight_decay=decay / (1 - MOMENTUM))

    def batches(self, split, modalities=("video", "audio"), clips=None, shuffle=None, index=False):
        """Batches of random clips (with `shuffle`) or windows."""
        training = shuffle is not None
        crop = RandomCrop if training else CenterCrop
        sizes, options = self.sizes, {}
        if "audio" in modalities and self.options.random_sound:
            options["sound"] = crop(self.samples)
        elif "audio" in modalities:
            options["features"] = {"audio": self.features[split]}
        if training:
            # Whole batches only: the contrastive terms see as many samples, and one shape compiles.
            options["drop_remainder"] = True
            options["clips"] = RandomClip(sizes.frames, sizes.size)
        else:
            options["clips"] = Windows(sizes.frames, sizes.stride, sizes.size)
        return self.data.pipeline(
            split, sizes.batch, modalities, shuffle=shuffle, with_index=index or not training,
            **options,
        )  # fmt: skip

    def fit(self, model, callbacks, folder):
        """Trains to the last epoch: no split is held out, so none is chosen by its figures."""
        shuffle = EpochShuffle(self.seed)
        train = self.batches("train", tuple(model.used_extractors), shuffle=shuffle, index=True)
        if self.options.tensorboard:
            callbacks = [*callbacks, keras.callbacks.TensorBoard(str(folder / "tensorboard"))]
        return comparison.fit(
            model, train, None, self.options.epochs, [shuffle, *callbacks], folder
        )

    def validate(self, model):
        """The official lists have no validation split."""
        raise NotImplementedError("the official lists have no validation split: nothing to tune on")

    def measure(self, model):
        """Top-1, R@1 and R@5 by video; the gallery is the training split."""
        modalities = tuple(model.used_extractors)
        test = ka.predict_videos(model, self.batches(self.test_split, modalities), progress=True)
        figures = {"student top-1": 100 * test.top_1()}
        if test.teacher_top_1() is not None:
            figures["teacher top-1"] = 100 * test.teacher_top_1()
        gallery = ka.predict_videos(model, self.batches("train", ("video",)), progress=True)
        recall = ka.recall_at_k(
            test.representations, test.labels, gallery.representations, gallery.labels, k=(1, 5)
        )
        figures |= {f"student R@{k}": 100 * value for k, value in recall.items()}
        classes = self.data.num_classes
        per_class = 100 * ka.per_class_accuracy(test.labels, test.probabilities, classes)
        return figures | {"per class": [None if v != v else v for v in per_class.tolist()]}


def parse(benchmark, doc, arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--root", type=Path, help="folder of the data set (not with --smoke)")
    add("--out", type=Path, default=Path(f"build/{benchmark.name}"), help="folder of all outputs")
    add("--export", type=Path, help=f"folder of the served student of the last row; "
        f"saved_models/{benchmark.name}, or, with --smoke, within --out")  # fmt: skip
    add("--rows", nargs="+", choices=list(methods.ROWS), default=["student alone", "AMID"],
        metavar="ROW", help=f"of the paper's tables: {', '.join(methods.ROWS)}")  # fmt: skip
    add("--seed", type=int, default=0, help="first seed")
    add("--seeds", type=int, default=1, help="number of seeds")
    add("--epochs", type=int, help=f"default: {Sizes().epochs}; {SMOKE.epochs} with --smoke")
    add("--depth", type=int, choices=[10, 18, 34], default=18,
        help="of R(2+1)D; 10 is what CCL's code calls 18")  # fmt: skip
    add("--sound-checkpoint", type=Path,
        help="PANNs' Cnn14_mAP=0.431.pth, pre-trained on AudioSet (not with --smoke)")  # fmt: skip
    add("--random-sound", action="store_true",
        help="random crops of the sound: the sound network runs in every step")  # fmt: skip
    add("--workers", type=int, help="threads that decode media; default: one a core")
    add("--tensorboard", action="store_true", help="write logs for TensorBoard")
    add("--smoke", action="store_true", help="every line of the code on a miniature in --out")
    options = parser.parse_args(arguments)
    for name in () if options.smoke else ("root", "sound_checkpoint"):
        if getattr(options, name) is None:
            parser.error(f"--{name.replace('_', '-')} is required without --smoke")
    options.sizes = SMOKE if options.smoke else Sizes(depth=options.depth)
    options.epochs = options.sizes.epochs if options.epochs is None else options.epochs
    for name, least in (("seed", 0), ("seeds", 1), ("epochs", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}; received {getattr(options, name)}")
    if options.export is None:
        home = options.out if options.smoke else Path(__file__).resolve().parents[1]
        options.export = home / "saved_models" / benchmark.name
    return options


def prepared(benchmark, options):
    """The data set in records, written on the first call; its report is printed."""
    root = options.root
    if options.smoke:
        root = options.out / "miniature"
        benchmark.miniature.write(root)
    sample_rate = 32000
    data = benchmark.data.prepare(
        root, options.out / "data", sample_rate=sample_rate, workers=options.workers
    )
    print(data.report(), flush=True)
    return data


def main(benchmark, doc, arguments=None):
    """Runs what the command line asks for, and prints what came out beside the paper's."""
    options = parse(benchmark, doc, arguments)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    start = time.monotonic()
    claimed = ("epochs", "depth", "random_sound", "smoke")
    backend = {"backend": keras.backend.backend()}
    comparison.claim(options.out, backend | {name: getattr(options, name) for name in claimed})
    data = prepared(benchmark, options)
    results = {row: [] for row in options.rows}
    for seed in range(options.seed, options.seed + options.seeds):
        experiment = VideoExperiment(data, benchmark, options, seed)
        folder = options.out / f"seed-{seed}"
        for row in options.rows:
            job = (experiment, row, seed, folder, options.sizes.rate, DECAY)
            results[row].append(runs.figures(*job))
    model = runs.trained(*job)
    clip = next(iter(experiment.batches(benchmark.test, ("video",)).as_numpy_iterator()))[0]
    example = {"video": clip["video"]}
    version, difference = runs.export(model, example, options.export, data.class_names)
    table = runs.paper_table(COLUMNS, results, benchmark.paper)
    (options.out / "table.md").write_text(table)
    print(
        f"\n{table}\nExported student of {row!r}: {version}, loaded and compared with predict: "
        f"largest difference {difference:.1e}\n"
        f"{time.monotonic() - start:.0f} s on the {keras.backend.backend()} backend"
    )
