"""A disk that takes no more: an OSError that says where, nothing left behind, and on it goes."""

import contextlib
import resource

import keras
import numpy as np
import pytest
import tiny

import keras_amid as ka
from keras_amid.data import batches, write_records
from keras_amid.data.storage.one_writer import one_writer

pytestmark = pytest.mark.any_backend
ROWS = [{"id": str(number), "label": 0} for number in range(8)]


@contextlib.contextmanager
def full_after(size):
    """No file gets longer than `size` bytes, by the system's own word."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write(folder):
    options = {"shard_size": 4, "progress": False, "workers": 1}
    return write_records(ROWS, folder, lambda row: {"value": np.ones(2000)}, **options)


def remains(folder):
    return [path.name for path in folder.rglob(".*")]


def test_a_lock_says_nothing_then_but_holds_and_lets_go(tmp_path):
    with full_after(0), one_writer(tmp_path):
        with pytest.raises(ValueError, match="another run uses this folder"):
            with one_writer(tmp_path):
                pass
        assert remains(tmp_path) == [".lock"]
    assert remains(tmp_path) == []
    with one_writer(tmp_path):
        pass


@pytest.mark.parametrize("size", [0, 9000])
def test_records(tmp_path, size):
    with full_after(size), pytest.raises(OSError, match="File too large"):
        write(tmp_path / "out")
    assert remains(tmp_path) == []
    assert write(tmp_path / "out")["count"] == 8


def test_decoded_samples(tmp_path):
    write(tmp_path / "records")
    call = (tmp_path / "records", 4, ["value"])
    with (
        full_after(9000),
        pytest.raises(OSError, match="decoded.*written.*too large"),
    ):
        batches(*call, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").glob(".part-*"))
    assert len(list(batches(*call, cache=tmp_path / "cache"))) == 2


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a child process writes")
def test_an_export(tmp_path):
    model = tiny.amid()
    with full_after(100), pytest.raises(OSError, match="cannot be written: File too large"):
        ka.export_student(model, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
    ka.export_student(model, tmp_path / "out")
