"""The command `keras-amid`: its help, its words, and what it does without."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import keras_amid
from keras_amid.command import COMMANDS, is_running
from keras_amid.command.main import main
from keras_amid.data.datasets import Modality, read_prepared

pytestmark = pytest.mark.any_backend
ROOT = Path(keras_amid.__file__).parents[1]


def python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def left(capsys, *arguments):
    """Runs the command until it leaves: (exit status, standard output, standard error)."""
    with pytest.raises(SystemExit) as exit:
        main([*arguments])
    return exit.value.code, *capsys.readouterr()


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_comes_without_keras(name):
    words = [word for word in (name, "--help") if word]
    done = python("-X", "importtime", "-m", "keras_amid", *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: keras-amid {name}".rstrip())
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "keras_amid.command" in imported
    assert not imported & {"keras", "tensorflow", "jax", "torch", "av", "numpy"}


def test_the_list_of_commands(capsys):
    status, out, _ = left(capsys, "--help")
    assert status == 0
    assert all(f"  {name}  " in out and COMMANDS[name] in out for name in COMMANDS)
    status, out, _ = left(capsys, "--version")
    assert (status, out.strip()) == (0, keras_amid.__version__)


@pytest.mark.parametrize("words", [[], ["bake"], ["--frobnicate"]])
def test_words_that_are_none(capsys, words):
    status, _, errors = left(capsys, *words)
    assert status == 2 and len(errors.splitlines()) == 1 and "see --help" in errors


def test_everything_is_there_when_the_command_asks():
    program = (
        "import sys; sys.argv = ['/usr/bin/keras-amid']; import keras_amid as ka\n"
        "assert 'keras' not in sys.modules\n"
        "assert issubclass(ka.AMID, ka.Distiller) and ka.data.batches and ka.__version__\n"
        "import keras\n"
        "assert keras.saving.get_registered_object('keras_amid>CCL') is ka.CCL\n"
        "assert sorted(ka.__all__) == sorted(n for n in ka.__all__ if hasattr(ka, n))\n"
    )
    done = python("-c", program)
    assert done.returncode == 0, done.stderr


def test_this_process_is_not_the_command():
    assert not is_running()
    assert "AMID" in vars(keras_amid)


def test_a_data_set_of_the_paper(capsys, tmp_path):
    out = tmp_path / "out"
    sizes = ["--train=2", "--validation=0", "--test=0", "--sounds=0", "--quiet"]
    assert main(["prepare", "ripple_tank", f"--out={out}", *sizes]) == 0
    data = read_prepared(out)
    assert data.counts == {"train": 2}
    assert data.modalities == {
        "video": Modality("video", (8, 64, 64, 1)),
        "audio": Modality("audio", (8000,), 16000),
        "text": Modality("text", ()),
    }
    status, _, errors = left(capsys, "prepare", "ripple_tank", f"--out={out}", "--train=-2")
    assert status == 2
    assert errors.startswith("keras-amid prepare: error: `train` must be") and "-2" in errors
