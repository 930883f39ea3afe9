"""Files that crash or hang the decoder cost their sample, nothing else."""

import functools
import os
import signal
import subprocess
import sys
import time

import decoders
import numpy as np
import pytest
from films import numbered, write_film

from keras_amid.data import Limits, batches, limit, read_clip, read_index, write_records

pytestmark = pytest.mark.any_backend
LEFT_OUT = {
    "clip-2": "the decoder crashed (SIGSEGV)",
    "clip-5": "not read within 3 s",
    "clip-6": "the decoder ended its process (exit code 3)",
    "clip-8": "no sound",
}


def rows(log=None):
    does = {"clip-2": "crash", "clip-5": "hang", "clip-6": "exit", "clip-8": "refuse"}
    extra = {} if log is None else {"log": str(log)}
    return [{**row, "does": does.get(row["id"]), **extra} for row in decoders.rows(10)]


def write(samples, folder, read=decoders.read, **options):
    with limit(seconds=3):
        return write_records(
            samples, folder, read, **{"progress": False, "shard_size": 4, "video": "raw", **options}
        )


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_crash_or_a_hang_costs_one_sample(tmp_path, capsys):
    index = write(rows(), tmp_path)
    assert index["count"] == 6 and index["complete"]
    assert {item["id"]: item["reason"] for item in index["left_out"]} == LEFT_OUT
    assert [item["file"] for item in index["left_out"]] == [f"{name}.avi" for name in LEFT_OUT]
    assert [item["id"] for item in index["notes"]] == ["clip-1", "clip-9"]
    printed = capsys.readouterr().out
    assert "4 of 10" in printed and "clip-2: the decoder crashed (SIGSEGV)" in printed
    x, y = next(iter(batches(tmp_path, 10, ["video", "audio"]).as_numpy_iterator()))
    kept = [row for row in decoders.rows(10) if row["id"] not in LEFT_OUT]
    np.testing.assert_array_equal(x["video"], [decoders.read(row)["video"] for row in kept])
    np.testing.assert_array_equal(y, [row["label"] for row in kept])


def test_it_is_not_run_into_again(tmp_path):
    log, folder = tmp_path / "log", tmp_path / "records"
    samples = rows(log)

    def interrupt(row):  # in threads: before the second shard is whole
        if row["id"] == "clip-4":
            raise KeyboardInterrupt
        return decoders.read(row)

    first = [row for row in samples[:4] if row["does"] is None]
    assert len(first) == 3
    write(samples, folder, part=(0, 3))  # the first shard, with the crash
    assert log.read_text().split().count("clip-2") == 1
    with pytest.raises(KeyboardInterrupt):
        write(samples, folder, interrupt, workers=1)
    assert log.read_text().split().count("clip-2") == 1
    index = write(samples, folder)
    assert log.read_text().split().count("clip-2") == 1
    assert {item["id"]: item["reason"] for item in index["left_out"]} == LEFT_OUT
    seen = log.read_text()
    assert write(samples, folder) == index == read_index(folder)
    assert log.read_text() == seen


def test_the_number_of_workers_does_not_matter(tmp_path):
    for workers in (1, 3):
        write(rows(), tmp_path / str(workers), workers=workers)
    write([row for row in rows() if row["does"] in (None, "refuse")], tmp_path / "processes")
    write(
        [row for row in rows() if row["does"] in (None, "refuse")],
        tmp_path / "threads",
        lambda row: decoders.read(row),
    )
    assert contents(tmp_path / "1") == contents(tmp_path / "3")
    assert contents(tmp_path / "processes") == contents(tmp_path / "threads")


def test_any_other_error_still_ends_the_work(tmp_path):
    samples = [{**row, "does": "fail" if n == 3 else None} for n, row in enumerate(rows())]
    with pytest.raises(KeyError, match="no such feature"):
        write(samples, tmp_path)
    assert not list(tmp_path.glob(".part-*"))


def read_video(folder, row):
    clip = read_clip(f"{folder}/{row['file']}")
    return {"video": clip.frames, "notes": clip.notes}


def test_limits_of_a_context_hold_in_the_workers(tmp_path):
    for number, size in enumerate(((32, 48), (64, 96))):
        write_film(tmp_path / f"clip-{number}.mkv", numbered(4, size))
    samples = [{**row, "file": f"{row['id']}.mkv"} for row in decoders.rows(2)]
    read = functools.partial(read_video, str(tmp_path))
    for name, options in (("processes", {}), ("threads", {"read": lambda row: read(row)})):
        with limit(pixels=32 * 48):
            index = write_records(
                samples, tmp_path / name, options.get("read", read), progress=False, report=False
            )
        assert index["count"] == 1 and len(index["left_out"]) == 1
        assert "6,144 pixels in a picture of 96x64" in index["left_out"][0]["reason"]
    assert Limits().pixels > 64 * 96


SCRIPT = """
import sys
import decoders
from keras_amid.data import write_records

rows = [{**row, "does": "wait"} for row in decoders.rows(400)]
print("ready", flush=True)
write_records(rows, sys.argv[1], decoders.read, video="raw", shard_size=10, workers=2)
"""


def test_control_c_ends_it_at_once_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    environment = {"PYTHONPATH": ":".join(entry for entry in sys.path if entry)}
    command = [sys.executable, str(path), str(tmp_path / "records")]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    ) as script:
        script.stdout.readline()
        while not list((tmp_path / "records").glob("shard-*.json")):
            time.sleep(0.1)
        started = time.monotonic()
        # As a terminal does: to the process and its workers alike.
        os.killpg(script.pid, signal.SIGINT)
        errors = script.communicate(timeout=60)[1]
    assert time.monotonic() - started < 20
    assert script.returncode == -signal.SIGINT or "KeyboardInterrupt" in errors
    assert errors.count("KeyboardInterrupt") == 1 and "worker.py" not in errors
    with pytest.raises(ProcessLookupError):
        os.killpg(script.pid, 0)
    assert not list((tmp_path / "records").glob(".part-*"))
