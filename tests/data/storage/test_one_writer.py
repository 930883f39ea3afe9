"""A folder is written by one process at a time, and a killed one's lock is nobody's."""

import os
import signal
import subprocess
import sys

import pytest

from keras_amid.data import write_records
from keras_amid.data.storage import one_writer as module
from keras_amid.data.storage.one_writer import in_use, one_writer
from keras_amid.experiments import fit

pytestmark = pytest.mark.any_backend

# Without the package, whose import takes seconds.
HOLDER = """
import importlib.util, os, sys, time
spec = importlib.util.spec_from_file_location("one_writer", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
with module.one_writer(sys.argv[2]):
    if not os.fork():  # a worker that outlives it
        print("held", flush=True)
        time.sleep(9)
        os._exit(0)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, module.__file__, tmp_path / "busy"], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_another_process_is_named_and_a_killed_one_is_not_heeded(other, tmp_path):
    folder, rows = tmp_path / "busy", [{"id": "a", "label": 0}]
    said = rf"another run uses this folder \(since 20.*, process {other.pid}\)"
    with pytest.raises(ValueError, match=f"`out`.*{said}"), one_writer(folder):
        pass
    with pytest.raises(ValueError, match=f"`folder`.*{said}"):
        write_records(rows, folder, lambda row: {"text": "a"}, progress=False)
    with pytest.raises(ValueError, match=f"`folder`.*{said}"):
        fit(None, None, epochs=1, folder=folder)
    assert os.listdir(folder) == [".lock"] and in_use(folder / ".lock")
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert (folder / ".lock").exists() and not in_use(folder / ".lock")
    assert write_records(rows, folder, lambda row: {"text": "a"}, progress=False)["complete"]
    assert not list(folder.glob(".*"))


def test_parts_stand_side_by_side_and_the_whole_alone(tmp_path):
    with one_writer(tmp_path, part=(0, 2)):
        with one_writer(tmp_path, part=(1, 2)):
            pass
        for part in ((0, 2), (0, 1), (1, 3)):
            with pytest.raises(ValueError, match="another run"), one_writer(tmp_path, part=part):
                pass
    with one_writer(tmp_path):
        with pytest.raises(ValueError, match="another run"), one_writer(tmp_path, part=(1, 2)):
            pass
    assert os.listdir(tmp_path) == []


def test_it_is_released_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), one_writer(tmp_path / "made" / "here"):
        raise RuntimeError
    with one_writer(tmp_path / "made" / "here"):
        pass
    assert os.listdir(tmp_path / "made" / "here") == []


def test_without_locks_the_work_goes_on_with_a_warning(tmp_path, monkeypatch):
    def none(*args):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(module.fcntl, "flock", none)
    with pytest.warns(UserWarning, match="file system without locks"), one_writer(tmp_path):
        pass
    assert os.listdir(tmp_path) == []
