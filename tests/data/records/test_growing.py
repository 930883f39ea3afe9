"""Records that grow: what is new is read, what is there stays, whichever process does it."""

import os

import numpy as np
import pytest

from keras_amid.data import MediaError, batches, read_samples, write_records
from keras_amid.data.records.planning import digests, plan_shards

pytestmark = pytest.mark.any_backend


def rows(*numbers, label=0):
    return [{"id": f"r{n}", "label": label, "number": n} for n in numbers]


class Reader:
    """Remembers which rows it was given."""

    def __init__(self):
        self.asked = []

    def __call__(self, row):
        self.asked.append(row["number"])
        return {"value": np.full(2, float(row["number"]))}

    def since(self):
        asked, self.asked = sorted(self.asked), []
        return asked


def write(samples, folder, read, **options):
    shared = {"grow": True, "shard_size": 4, "progress": False, "report": False}
    return write_records(samples, folder, lambda row: read(row), **{**shared, **options})


def numbers(folder):
    values = [x["value"].numpy()[0, 0] for x, _ in batches(folder, 1, ["value"])]
    assert [f"r{value:.0f}" for value in values] == [s["id"] for s in read_samples(folder)]
    return values


def stamps(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.tfrecord")}


def test_rows_that_are_added_are_all_that_is_read(tmp_path):
    read = Reader()
    write(rows(*range(10)), tmp_path, read)
    before, _ = stamps(tmp_path), read.since()
    index = write(rows(20, *range(10), 21), tmp_path, read)
    assert read.since() == [20, 21] and index["complete"] and index["count"] == 12
    assert before.items() <= stamps(tmp_path).items()
    assert numbers(tmp_path) == [*range(10), 20, 21]
    index_before = (tmp_path / "index.json").stat().st_mtime_ns
    write(rows(20, *range(10), 21), tmp_path, read)
    assert read.since() == [] and (tmp_path / "index.json").stat().st_mtime_ns == index_before


def test_only_rows_that_changed_are_read_again(tmp_path):
    read = Reader()
    write(rows(*range(12)), tmp_path, read)
    read.since()
    changed = rows(*range(12))
    changed[5]["label"] = 7
    write(changed, tmp_path, read)
    assert read.since() == [5]
    assert [s["label"] for s in read_samples(tmp_path)] == [0] * 5 + [7] + [0] * 6
    write(rows(0, 1, 2, 3, 8), tmp_path, read)
    assert read.since() == [] and numbers(tmp_path) == [0, 1, 2, 3, 8]
    assert len(stamps(tmp_path)) == 2  # what was left over is gone
    write(rows(*range(5)), tmp_path, read)
    assert read.since() == [4] and numbers(tmp_path) == [0, 1, 2, 3, 4]


def test_a_file_that_was_replaced_is_tried_again(tmp_path):
    file, read = tmp_path / "file", Reader()
    file.write_text("bad")

    def reading(row):
        value = read(row)
        if row["number"] == 5 and file.read_text() == "bad":
            raise MediaError(file, "broken")
        return value

    first = write(rows(*range(8)), tmp_path / "out", reading)
    assert first["left_out"] == [{"id": "r5", "file": str(file), "reason": "broken"}]
    read.since()
    assert write(rows(*range(8)), tmp_path / "out", reading) == first and read.since() == []
    file.write_text("good")
    os.utime(file, ns=(1, 1))  # however coarse the clock is
    second = write(rows(*range(8)), tmp_path / "out", reading)
    assert read.since() == [5] and second["left_out"] == []
    assert numbers(tmp_path / "out") == list(range(8))


def test_growing_is_resumed_and_shared_by_parts(tmp_path):
    read = Reader()
    write(rows(*range(6)), tmp_path, read)
    read.since()

    def stop(row):
        if row["number"] == 105:
            raise KeyboardInterrupt
        return read(row)

    grown = rows(*range(6), *range(100, 111))
    with pytest.raises(KeyboardInterrupt):
        write(grown, tmp_path, stop, workers=1)
    read.since()
    with pytest.raises(ValueError, match="not complete"):
        read_samples(tmp_path)
    assert not write(grown, tmp_path, read, part=(0, 2))["complete"]
    first = read.since()
    assert write(grown, tmp_path, read, part=(1, 2))["complete"]
    second = read.since()
    assert sorted(first + second) == list(range(104, 111)) and first and second
    assert numbers(tmp_path) == [*range(6), *range(100, 111)]


def test_records_of_others_are_refused(tmp_path):
    write(rows(0, 1, 2), tmp_path, Reader())
    with pytest.raises(ValueError, match="`samples`: '3 rows.*'2 rows"):
        write(rows(7, 8), tmp_path, Reader())
    with pytest.raises(ValueError, match="`size`: 'absent' there, 3 asked for"):
        write(rows(0, 1, 2), tmp_path, Reader(), settings={"size": 3})
    with pytest.raises(ValueError, match="`samples`"):
        write(rows(0, 1, 2, 3), tmp_path, Reader(), grow=False)
    assert numbers(tmp_path) == [0, 1, 2]


def test_the_plan_stays_the_same_while_it_is_carried_out():
    rng = np.random.default_rng(0)
    for _ in range(50):
        count = int(rng.integers(1, 40))
        samples = rows(*map(int, rng.permutation(count)))
        whole = {}
        if rng.random() < 0.7:  # an earlier preparation, of some of the rows
            some = samples[: int(rng.integers(1, count + 1))]
            plan = plan_shards([some[i] for i in rng.permutation(len(some))], 4, {})
            whole = {n: digests(part) for n, part in plan.items() if rng.random() < 0.7}
        plan = plan_shards(samples, 4, whole)
        planned = [row["id"] for part in plan.values() for row in part]
        assert sorted(planned) == sorted(row["id"] for row in samples)
        for number in rng.permutation(list(plan)):
            whole[int(number)] = digests(plan[number])
            assert plan_shards(samples, 4, whole) == plan
