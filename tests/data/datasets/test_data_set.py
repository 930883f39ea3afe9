import dataclasses
import inspect
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import keras_amid
import keras_amid.data as data
from keras_amid.data import datasets
from keras_amid.data.datasets import DATA_SETS, PreparedData, data_set_class, options, prepare
from keras_amid.data.datasets.miniatures import ucf51 as miniature

pytestmark = pytest.mark.any_backend


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_data_set_describes_itself(name):
    data_set = data_set_class(name)
    assert issubclass(data_set, datasets.DataSet) and data_set.__bases__ == (datasets.DataSet,)
    assert data_set is getattr(datasets, data_set.__name__)
    assert data_set.name and data_set.modalities and data_set.shard_size >= 1
    for field in dataclasses.fields(data_set):
        assert field.metadata["help"] and getattr(data_set(), field.name) == field.default
    module = getattr(data, name)
    for function, folders in ((module.read, ["root"]), (module.prepare, ["root", "out"])):
        if function.__name__ == "prepare" and data_set.generated:
            continue
        signature = inspect.signature(function)
        assert list(signature.parameters)[: len(folders)] == folders
        for field in dataclasses.fields(data_set):
            assert signature.parameters[field.name].default == field.default
            assert f"{field.name}: {field.metadata['help']}" in function.__doc__


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(("ucf51", {"fps": value}) for value in (0, -1, -0.5, math.nan, math.inf, 1e9, "5", True)),
        *(("ucf51", {"short_side": value}) for value in (0, -3, 12.5, None, "128", True)),
        *(("ucf51", {"sample_rate": value}) for value in (0, -1, 999, 10**9, 16e3, None)),
        *(("ucf51", {"split": value}) for value in (0, 4, "1", None)),
        ("activitynet", {"fps": 0}),
        ("iemocap", {"side": "left"}),
        ("mmin", {"face": ""}),
        ("mmin", {"audio": 3}),
        ("ripple_tank", {"seed": -1}),
        ("ripple_tank", {"sounds": 1.5}),
    ],
)
def test_wrong_options_are_named(name, wrong):
    ((option, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"`{option}` must be .*; received ") as caught:
        data_set_class(name)(**wrong)
    assert str(value) in str(caught.value)


def test_options_are_the_same_whatever_their_type():
    """5 and 5.0 frames a second must not count as different settings."""
    assert repr(datasets.UCF51(fps=5)) == repr(datasets.UCF51(fps=5.0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        datasets.UCF51().split = 2
    with pytest.raises(TypeError, match="frame_rate"):
        data.ucf51.read("nowhere", frame_rate=5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shard_size": 0}, "`shard_size` must be an integer >= 1; received 0"),
        ({"part": (2, 2)}, "`part` must be"),
        ({"workers": 0}, "`workers` must be"),
    ],
)
def test_wrong_arguments_of_prepare_are_named(tmp_path, wrong, message):
    root = miniature.write(tmp_path / "root", classes=1, videos=2, size=(24, 32), awkward=False)
    with pytest.raises(ValueError, match=message):
        prepare(datasets.UCF51(), root, tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


def test_a_data_set_of_ones_own(tmp_path):
    """One class: options, `read` and `decode`."""

    @dataclasses.dataclass(frozen=True)
    class Numbers(datasets.DataSet):
        name = "Numbers"
        modalities = ("number",)
        paper_counts = {"train": 4}

        factor: int = options.count(2, "what to multiply by")

        def read(self, root):
            rows = [{"id": p.stem, "label": 0, "file": p.name} for p in sorted(root.glob("*.txt"))]
            return datasets.Listing(root, ("all",), {"train": rows}, [])

        def decode(self, row, source):
            return {"number": [self.factor * int((source / row["file"]).read_text())]}

    for number in range(3):
        (tmp_path / f"{number}.txt").write_text(str(number))
    made = prepare(Numbers(factor=5), tmp_path, tmp_path / "out", progress=False)
    assert made == PreparedData.open(tmp_path / "out") and made.settings["factor"] == 5
    x, y = next(iter(made.pipeline("train", 3, ("number",)).as_numpy_iterator()))
    assert x["number"].tolist() == [[0], [5], [10]] and y.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="`factor`: 5 there, 2 asked for"):
        prepare(Numbers(), tmp_path, tmp_path / "out", progress=False)
    with pytest.raises(ValueError, match="`root` must be the folder of Numbers; received None"):
        prepare(Numbers(), None, tmp_path / "out")


def test_decoding_needs_no_keras():
    """Processes that decode import a data set's module, but need not import Keras with it."""
    package = Path(keras_amid.__file__).parent
    code = (
        "import sys, types; package = types.ModuleType('keras_amid'); "
        f"package.__path__ = [{str(package)!r}]; sys.modules['keras_amid'] = package; "
        "from keras_amid.data.datasets import DATA_SETS, data_set_class; "
        "print([data_set_class(name).__name__ for name in DATA_SETS], "
        "[name for name in ('keras', 'tensorflow', 'jax', 'torch') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    names = [data_set_class(name).__name__ for name in DATA_SETS]
    assert done.stdout.strip() == f"{names} []", done.stderr
