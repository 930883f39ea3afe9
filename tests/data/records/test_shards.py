import signal

import numpy as np
import processes
import pytest

from keras_amid.data import MediaError, read_index, write_records

pytestmark = pytest.mark.any_backend


def rows(count):
    return [{"id": f"clip-{i}", "label": i % 3} for i in range(count)]


def values(row):
    number = int(row["id"].split("-")[1])
    rng = np.random.default_rng(number)
    return {
        "video": rng.integers(0, 256, (3, 8, 10, 1), dtype=np.uint8),
        "audio": rng.uniform(-1, 1, 50).astype("float32"),
    }


def sometimes(row):
    if row["id"] in ("clip-2", "clip-8"):
        raise MediaError(f"media/{row['id']}.mkv", "no sound")
    return values(row)


def write(samples, folder, read=values, **options):
    return write_records(samples, folder, read, **{"progress": False, "shard_size": 4, **options})


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_result_depends_neither_on_workers_nor_on_parts(tmp_path):
    for workers in (1, 5):
        write(rows(11), tmp_path / str(workers), sometimes, workers=workers)
    whole = contents(tmp_path / "1")
    assert len(whole) == 7  # three shards, what is known of each, the index
    assert contents(tmp_path / "5") == whole
    shared = tmp_path / "parts"
    asked = []
    for part in (1, 0):
        with pytest.raises(ValueError, match="no records|not complete"):
            read_index(shared)
        index = write(
            rows(11),
            shared,
            lambda row: asked.append(row["id"]) or sometimes(row),
            part=(part, 2),
            workers=1,
        )
        assert index["complete"] == (part == 0)
    assert contents(shared) == whole
    assert asked == [f"clip-{i}" for i in (4, 5, 6, 7, 0, 1, 2, 3, 8, 9, 10)]


KILLED = """
import sys, time, numpy as np
from keras_amid.data import write_records

def read(row):
    if row["label"] > 5:
        time.sleep(60)
    return {"face": np.full((row["label"] + 1, 2), row["label"])}

rows = [{"id": str(i), "label": i} for i in range(9)]
settings = dict(shard_size=2, workers=1, progress=False, settings={"made": "slowly"})
if __name__ == "__main__":
    write_records(rows, sys.argv[1], read, **settings)
"""


def test_killed_with_sigkill_and_called_again(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    process = processes.Process(script, tmp_path / "a")
    # until it is in the middle of the fourth shard
    process.wait_until((tmp_path / "a" / ".part-shard-00003.tfrecord").exists)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    with pytest.raises(ValueError, match="not complete"):
        read_index(tmp_path / "a")
    samples = [{"id": str(i), "label": i} for i in range(9)]
    asked = []

    def read(row):
        asked.append(row["label"])
        return {"face": np.full((row["label"] + 1, 2), row["label"])}

    for folder in ("a", "b"):
        options = {"shard_size": 2, "workers": 1, "settings": {"made": "slowly"}}
        write(samples, tmp_path / folder, read, **options)
    assert asked == [6, 7, 8, *range(9)]
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_shard_of_other_settings_is_refused_before_the_index_is_there(tmp_path):
    write(rows(8), tmp_path, part=(0, 2))
    (tmp_path / "index.json").unlink()
    with pytest.raises(ValueError, match="`video`: 'png' there, 'raw' asked for"):
        write(rows(8), tmp_path, video="raw", part=(1, 2))


def test_a_shard_that_the_index_does_not_name_is_written_again(tmp_path):
    write(rows(10), tmp_path / "good")
    (tmp_path / "half").mkdir()
    whole = (tmp_path / "good" / "shard-00000.tfrecord").read_bytes()
    (tmp_path / "half" / "shard-00000.tfrecord").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "half" / ".part-shard-00001.tfrecord").write_bytes(whole[:10])
    write(rows(10), tmp_path / "half")
    assert (tmp_path / "half" / "shard-00000.tfrecord").read_bytes() == whole
    assert not list((tmp_path / "half").glob(".part-*"))


@pytest.mark.parametrize("cut", ["shard-00001.json", "shard-00001.tfrecord"])
def test_what_is_not_whole_is_written_again(tmp_path, cut):
    for name in ("whole", "cut"):
        write(rows(10), tmp_path / name)
    (tmp_path / "cut" / "index.json").unlink()
    path = tmp_path / "cut" / cut
    if cut.endswith(".json"):
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-5])
    asked = []
    write(rows(10), tmp_path / "cut", lambda row: asked.append(row["id"]) or values(row), workers=1)
    assert asked == [f"clip-{i}" for i in range(4, 8)]
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
