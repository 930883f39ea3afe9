"""What is looked into before any work, on the lists of data that were prepared."""

import pytest

from keras_amid.data.datasets import Modality
from keras_amid.experiments.own.checks import check_splits, with_modalities
from keras_amid.experiments.own.config import OwnConfig
from keras_amid.own import settings

pytestmark = pytest.mark.any_backend


class Data:
    """Lists alone."""

    folder, class_names, lacked = "data/mine", ("a", "b", "c"), "film"
    modalities = {
        "film": Modality("video", (None, 24, 32, 3)),
        "sound": Modality("audio", (None,), 8000),
        "words": Modality("text", ()),
    }

    def __init__(self, **labels):
        self.labels = labels
        self.counts = {split: len(values) for split, values in labels.items()}
        self.lacking = set()

    def samples(self, split):
        return [
            {
                "id": f"{split}-{i}",
                "label": label,
                **({"missing": [self.lacked]} if f"{split}-{i}" in self.lacking else {}),
            }
            for i, label in enumerate(self.labels[split])
        ]


def config(**changed):
    values = settings.resolve({}, None, {"data": "d", "target": ("film",), "batch": 2, **changed})
    return OwnConfig.of_settings(values, "Mine")


def test_what_is_no_target_is_auxiliary():
    data = Data(train=[0])
    assert with_modalities(config(), data).auxiliary == ("sound", "words")
    assert with_modalities(config(auxiliary=("words",)), data).auxiliary == ("words",)
    only = config(rows=("student alone",), auxiliary=())
    assert with_modalities(only, data).auxiliary == ()
    with pytest.raises(ValueError, match="`auxiliary` must name a modality beside"):
        with_modalities(config(auxiliary=()), data)


@pytest.mark.parametrize(
    ("labels", "changed", "message"),
    [
        ({"train": [0, 1]}, {}, "samples in the split 'test', for it is needed; received"),
        (
            {"train": [0, 1], "test": [0]},
            {"trials": 2},
            "the split 'validation', for --trials chooses on it; received",
        ),
        (
            {"train": [0, 0], "test": [0, 2, 1]},
            {},
            "training samples of every class that is tested; received none of 'b', 'c'",
        ),
        (
            {"train": [0], "test": [0]},
            {},
            "`batch` must be at most the 1 training samples; rec.* 2",
        ),
    ],
)
def test_splits_and_classes(labels, changed, message):
    with pytest.raises(ValueError, match=message):
        check_splits(config(**changed), Data(**labels))
    check_splits(config(), Data(train=[0, 1, -1], test=[0, -1]))


def test_a_target_is_there_in_every_row():
    data = Data(train=[0, 1, 0], test=[0, 1])
    data.lacking = {"train-1", "train-2"}
    message = "'film' is missing in 2 of the split 'train', such as 'train-1'"
    with pytest.raises(ValueError, match=message):
        check_splits(config(), data)


def test_what_teaches_is_there_in_a_training_row():
    data = Data(train=[0, 1, 0], test=[0, 1])
    data.lacked, data.lacking = "sound", {"train-0", "train-1", "test-0", "test-1"}
    check_splits(config(auxiliary=("sound", "words")), data)
    data.lacking.add("train-2")
    with pytest.raises(ValueError, match=r"`auxiliary`.*\['sound'\] is in none of the 3"):
        check_splits(config(auxiliary=("sound", "words")), data)
