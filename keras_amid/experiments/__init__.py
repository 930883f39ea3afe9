"""What runs, resumes, measures, compares and reports rows of methods, on any data.

- Training that a kill does not lose, for any Keras model: `fit`, `EpochBackup`, `claim`.
- Rows of the paper's tables: `ROWS`, `Row` (`keras_amid.experiments.rows` builds them).
- A recipe, a data set with its numbers: `Task`, `Experiment`, `Config`, and `main`, its command.
- `python -m keras_amid.experiments --recipe FILE`: every table of a recipe, over seeds and trials.
"""

from keras_amid.experiments.command import main
from keras_amid.experiments.comparison import Comparison, mean_and_error
from keras_amid.experiments.config import Config, entry
from keras_amid.experiments.epoch_backup import EpochBackup
from keras_amid.experiments.epoch_log import EpochLog, read_history
from keras_amid.experiments.experiment import Experiment
from keras_amid.experiments.exporting import export_and_compare
from keras_amid.experiments.measuring import measure
from keras_amid.experiments.progress import Progress
from keras_amid.experiments.recipe import Recipe
from keras_amid.experiments.rows import ROWS, Row, Settings
from keras_amid.experiments.task import Task
from keras_amid.experiments.tensorboard_log import TensorBoardLog
from keras_amid.experiments.training import claim, fit

__all__ = [
    "ROWS",
    "Comparison",
    "Config",
    "EpochBackup",
    "EpochLog",
    "Experiment",
    "Progress",
    "Recipe",
    "Row",
    "Settings",
    "Task",
    "TensorBoardLog",
    "claim",
    "entry",
    "export_and_compare",
    "fit",
    "main",
    "mean_and_error",
    "measure",
    "read_history",
]
