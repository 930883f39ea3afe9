"""The real data sets as `tables.py` runs them, once their own recipes have prepared them.

    python recipes/ucf51.py --root UCF101 --sound-checkpoint Cnn14_mAP=0.431.pth --rows AMID
    python recipes/tables.py --data ucf51 --data-folder build/ucf51 --seeds 3 --trials 0

With --trials 0 every row has the paper's (or CCL's) learning rate and weight decay. Otherwise they
are tuned, for each row alike, on a tenth of the training videos that is held out from the trials
(whole scenes of it); IEMOCAP has no such share, since every session is tested on in some fold.
"""

import argparse
import json
from pathlib import Path

import activitynet
import emotion
import iemocap
import ucf51
import video_experiment as video

from keras_amid.data import PreparedData
from keras_amid.experiments.task import Task


class RealData(Task):
    """What they share: `folder` is the --out that a data set's recipe has filled."""

    tuning_seeds = 1000
    reference_note = "The reference is the paper's figure, on its own extractors' weights and data."

    def __init__(self, folder, epochs=None, smoke=False):
        settings = Path(folder) / "settings.json"
        if not settings.exists() or not (Path(folder) / "data" / "dataset.json").exists():
            raise ValueError(
                f"`data-folder`: {folder} holds no prepared {self.title}; run python "
                f"recipes/{self.name}.py --out {folder} first."
            )
        self.recipe_settings = json.loads(settings.read_text())
        smoke = smoke or self.recipe_settings["smoke"]
        super().__init__(folder, epochs or (self.smoke_epochs if smoke else None), smoke)

    @classmethod
    def default_folder(cls, out):
        """Where the recipe writes by default."""
        return Path("build") / cls.name

    def prepare(self, seed, tuning):
        """Nothing: the recipe has."""

    def data(self):
        """The `PreparedData`."""
        return PreparedData.open(Path(self.folder) / "data")


class Videos(RealData):
    """A benchmark of `video_experiment`; a seed is that of the training."""

    benchmark = None
    variants = {"sound": ("audio",)}
    epochs, smoke_epochs = video.Sizes().epochs, 2
    rates, decays = (3e-4, 1e-2), (1e-4, 2e-3)
    given = (video.Sizes().rate, video.Sizes().decay)

    def open(self, seed, tuning, variant):
        """See `Task.open`."""
        data = self.data()
        sizes = video.SMOKE if self.smoke else video.Sizes(depth=self.recipe_settings["depth"])
        kept = video.held_out(data, seed, self.benchmark.take) if tuning else None
        return video.VideoExperiment(data, self.benchmark, sizes, self.epochs, seed, held_out=kept)


def _reference(paper):
    """The paper's figures; it gives no errors."""
    return {
        row: {name: (value, None) for name, value in row_.items()} for row, row_ in paper.items()
    }


class UCF51(Videos):
    """UCF51; see `recipes/ucf51.py`."""

    name, title, benchmark = "ucf51", "UCF51", ucf51.BENCHMARK
    class_names = ucf51.ucf51.CLASS_NAMES
    reference = _reference(ucf51.PAPER)


class ActivityNet(Videos):
    """ActivityNet; see `recipes/activitynet.py`."""

    name, title, benchmark = "activitynet", "ActivityNet", activitynet.BENCHMARK
    tables = (1, 2)
    reference = _reference(activitynet.PAPER)


class IEMOCAP(RealData):
    """IEMOCAP; see `recipes/iemocap.py`. Seeds 0 to 4 are the folds: run it with --seeds 5."""

    name, title, tables = "iemocap", "IEMOCAP", (3,)
    variants = {name: extra for name, extra in iemocap.SETUPS.items() if extra}
    epochs, smoke_epochs = emotion.Sizes().epochs, 2
    given = (emotion.Sizes().rate, emotion.DECAY)

    def prepare(self, seed, tuning):
        """Refuses what is no fold."""
        if tuning or seed not in range(5):
            raise ValueError(
                f"`seeds` must be 0..4 on IEMOCAP, the folds, with `--trials 0`; received {seed}."
            )

    def open(self, seed, tuning, variant):
        """See `Task.open`."""
        data = self.data()
        raw = self.recipe_settings["features"] == "raw"
        options = argparse.Namespace(
            features=self.recipe_settings["features"],
            sizes=iemocap.SMOKE if self.smoke else emotion.Sizes(),
            epochs=self.epochs,
            tensorboard=False,
        )
        features = emotion.feature_folders(data) if raw else None
        return emotion.Emotions(
            data, features, options, self.variants[variant], seed + 1, self.recipe_settings["seed"]
        )
