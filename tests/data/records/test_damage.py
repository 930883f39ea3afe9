"""Records that are damaged, edited or exchanged: named by readers, mended by the writer."""

import json
import shutil

import numpy as np
import pytest

from keras_amid.data import MediaError, batches, read_index, read_samples, write_records

pytestmark = pytest.mark.any_backend

SAMPLES = [{"id": f"r{i}", "label": i % 3, "group": f"g{i % 2}"} for i in range(10)]


class Reader:
    def __init__(self):
        self.asked = []

    def __call__(self, row):
        self.asked.append(row["id"])
        if row["id"] == "r7":
            raise MediaError("r7.avi", "broken")
        return {"value": np.full(3, float(row["id"][1:])), "text": f"said {row['id']}"}


def write(folder, read=None, samples=SAMPLES, **options):
    read = read or Reader()
    options = {"shard_size": 4, "progress": False, "report": False, "workers": 1, **options}
    return write_records(samples, folder, lambda row: read(row), **options), getattr(
        read, "asked", []
    )


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "records")
    return tmp_path / "records"


def edited(path, change):
    value = json.loads(path.read_text())
    changed = change(value)
    value = changed if isinstance(changed, (list, int)) or changed == {} else value
    path.write_text(json.dumps(value))


EDITS = {
    "emptied": lambda i: i["shards"][0]["samples"].clear(),
    "label": lambda i: i["shards"][1]["samples"][0].update(label=2),
    "exchanged": lambda i: i["shards"].reverse(),
    "ids": lambda i: i["shards"][0]["samples"][0].update(id="r1"),
    "no shards": lambda i: i.pop("shards"),
    "shape": lambda i: i["modalities"]["value"].update(shape=[4]),
    "incomplete": lambda i: i.update(complete=False),
    "no digest": lambda i: i.pop("sha256"),
    "a list": lambda i: [i],
    "null": lambda i: i.update(settings=None),
    "nothing": lambda i: {},
    "number": lambda i: 3,
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_index_is_named_and_written_anew(folder, name):
    before = read_index(folder)
    edited(folder / "index.json", EDITS[name])
    for read in (read_index, read_samples, lambda f: batches(f, 2, ["value"])):
        with pytest.raises(ValueError, match=r"index\.json.*Make the call.*again"):
            read(folder)
    index, asked = write(folder)
    assert index == before == read_index(folder) and asked == []


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, "\udcff", '{"a": 1e999', "\0" * 9])
def test_an_index_that_is_no_json_likewise(folder, content):
    before = read_index(folder)
    (folder / "index.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=r"index\.json"):
        read_samples(folder)
    assert write(folder) == (before, [])


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "flipped":
        content[len(content) // 2] ^= 16
    path.write_bytes(content[: -7 if how == "cut" else None] if how != "empty" else b"")


@pytest.mark.parametrize("how", ["cut", "flipped", "empty", "missing", "another"])
def test_a_broken_shard_is_named_and_only_it_is_read_again(folder, tmp_path, how):
    before, shard = read_index(folder), folder / "shard-00001.tfrecord"
    content = shard.read_bytes()
    if how == "missing":
        shard.unlink()
    elif how == "another":  # of the same rows, read in another way
        other = tmp_path / "other"
        write(other, lambda row: {**Reader()(row), "value": np.full(3, 9.0)})
        shutil.copy2(other / shard.name, shard)
        assert len(shard.read_bytes()) == len(content)
    else:
        damage(shard, how)
    with pytest.raises(ValueError, match="shard-00001.tfrecord.*call.*again"):
        batches(folder, 2, ["value"])
    index, asked = write(folder)
    assert index == before and sorted(asked) == ["r4", "r5", "r6", "r7"]
    assert shard.read_bytes() == content
    assert len(list(batches(folder, 1, ["value"]))) == 9


@pytest.mark.parametrize("change", [lambda s: s["shard"]["samples"].pop(), lambda s: {}, None])
def test_what_stands_beside_a_shard_is_not_believed_either(folder, change):
    before, sidecar = read_index(folder), folder / "shard-00002.json"
    if change is None:
        sidecar.write_text("{")
    else:
        edited(sidecar, change)
    index, asked = write(folder)
    assert index == before and sorted(asked) == ["r8", "r9"]


def test_copied_records_are_whole(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copy)
    assert read_index(tmp_path / "copy") == read_index(folder)
    assert len(list(batches(tmp_path / "copy", 1, ["value"]))) == 9
    assert write(tmp_path / "copy") == (read_index(folder), [])


def test_the_index_of_other_records_is_refused(folder, tmp_path):
    write(tmp_path / "other", samples=SAMPLES[:9] + [{**SAMPLES[9], "label": 2}])
    shutil.copy(tmp_path / "other" / "index.json", folder)
    with pytest.raises(ValueError, match="shard-00002.tfrecord does not have the sha256"):
        batches(folder, 2, ["value"])


def test_records_without_digests_are_said_to_be_old(folder):
    def older(index):
        index.pop("sha256")
        index["settings"]["format"] = 3

    edited(folder / "index.json", older)
    with pytest.raises(ValueError, match="earlier version of this package.*another folder"):
        batches(folder, 2, ["value"])


@pytest.mark.parametrize("key", ["id", "group"])
def test_an_undecodable_byte_is_named_before_the_work(tmp_path, key):
    bad = {**SAMPLES[3], key: "clip\udcff"}
    with pytest.raises(ValueError, match=rf"`samples`.*`{key}`.*'clip\\udcff'"):
        write(tmp_path / "out", samples=[*SAMPLES[:3], bad])
    assert not (tmp_path / "out").exists()


def test_half_a_character_of_a_text_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"text as a str.*'r0'.*\\ud800"):
        write(tmp_path / "out", lambda row: {"text": "so \ud800"})


def test_files_of_any_name_are_reported(tmp_path, capsys):
    def read(row):
        if row["label"] == 1:
            raise MediaError(tmp_path / "caf\udce9.avi", "broken")
        return {"value": np.ones(1)}

    index, _ = write(tmp_path / "out", read, report=True)
    assert index == read_index(tmp_path / "out") and "caf\udce9" in index["left_out"][0]["file"]
    capsys.readouterr().out.encode()
