"""What `tables.py` needs of a data set: the interface, and where the known ones are."""

import abc
import importlib

#: Name of --data -> module:class; any other module:class on the path can be given too.
TASKS = {
    "ripple_tank": "task_ripple_tank:RippleTank",
    "ucf51": "task_real_data:UCF51",
    "activitynet": "task_real_data:ActivityNet",
    "iemocap": "task_real_data:IEMOCAP",
}


def task_class(name):
    """The `Task` class of a name in `TASKS`, or of "module:class".

    Raises:
        ValueError: for any other name.
    """
    module, _, attribute = TASKS.get(name, name).partition(":")
    if not attribute:
        raise ValueError(f"`data` must be one of {list(TASKS)} or module:class; received {name!r}.")
    return getattr(importlib.import_module(module), attribute)


class Task(abc.ABC):
    """A data set with its networks and schedule. It must be picklable: workers get a copy.

    Args:
        folder: `Path` of whatever it writes (or reads).
        epochs: int or None, for its own number.
        smoke: bool, run every line of the code on next to nothing.

    Attributes:
        name: str, also of the results' files.
        title: str, of the results.
        epochs: int.
        variants: dict, name -> tuple of auxiliary modalities; the first is that of all tables
            but Table 3, which compares them.
        rates, decays: (lowest, highest) learning rate and weight decay of the search.
        given: (learning rate, weight decay) where nothing is searched (--trials 0), or None.
        tuning_seeds: the first seed of the data that are tuned on, beyond those reported.
        class_names: sequence of str for Fig. 3, or empty.
        tables: numbers of the tables that are made by default.
        reference: dict, row -> figure -> (value, standard error or None), percent, to be set
            beside the results, and `reference_note`, str, which says what it is.
    """

    name = title = reference_note = ""
    epochs = 0
    variants = {"": ()}
    rates = decays = (0.0, 0.0)
    given = None
    tuning_seeds = 100
    reference = {}
    class_names = ()
    tables = (1, 2, 4, 5, 6)

    def __init__(self, folder, epochs=None, smoke=False):
        self.folder, self.smoke = folder, smoke
        if epochs is not None:
            self.epochs = epochs

    @classmethod
    def default_folder(cls, out):
        """`Path` of `folder` where the command line names none; `out` is that of the command."""
        return out / "data"

    @abc.abstractmethod
    def prepare(self, seed, tuning):
        """Puts a seed's data on disk, once: killed and called again, it goes on.

        Args:
            seed: int.
            tuning: bool, whether the seed is tuned on. Then nothing of a test split may be read,
                nor of the reported seeds' validation data.
        """

    @abc.abstractmethod
    def open(self, seed, tuning, variant):
        """The `Experiment` of a prepared seed, with the auxiliary modalities of a variant."""


class Experiment(abc.ABC):
    """One seed's data and networks; every call of `extractors` makes fresh ones.

    Attributes:
        discriminator_rate: float.
    """

    discriminator_rate = 0.0

    @abc.abstractmethod
    def extractors(self):
        """Two dicts, target and auxiliary modality -> extractor."""

    @abc.abstractmethod
    def settings(self):
        """The `methods.Settings`, without the teacher."""

    @abc.abstractmethod
    def optimizer(self, rate, decay):
        """The main optimizer, of a learning rate and a weight decay."""

    @abc.abstractmethod
    def fit(self, model, callbacks, folder):
        """Trains a compiled model to the last epoch.

        Args:
            model: from `methods.build`, compiled.
            callbacks: list of the method's own.
            folder: `Path`, of this run alone and not there yet, for backups of a long training.

        Returns:
            dict, name -> one float an epoch. `val_` names are of the validation data, `test_`
            names, where there are any, of the test data.
        """

    @abc.abstractmethod
    def validate(self, model):
        """dict, percent: "student top-1" and "teacher top-1" (where there is one), validation."""

    @abc.abstractmethod
    def measure(self, model):
        """The test figures, in percent.

        Returns:
            dict of floats: "student top-1", "student R@1", "student R@5", "student WA", "student
            UA", "teacher top-1", as far as there is a student or teacher, and "per class", a list
            of the student's accuracy (None for a class without samples).
        """
