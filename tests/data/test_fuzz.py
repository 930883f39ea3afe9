"""Files that are damaged in any way: an error that names them, or what they were; never another.

The same examples in every run: what fails here fails everywhere.
"""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import EDITS, JSON, edited, replaced
from recordings import write_csv
from safetensors.numpy import save_file

from keras_amid.data import (
    MediaError,
    activitynet,
    iemocap,
    probe,
    read_index,
    read_samples,
    ucf51,
    write_clip,
    write_records,
    write_sound,
)
from keras_amid.data.datasets import miniatures
from keras_amid.data.datasets.table import Table
from keras_amid.data.datasets.table.cells import read_array
from keras_amid.extractors.checkpoints.assigning import read_checkpoint

pytestmark = pytest.mark.any_backend
SHARES = st.floats(0, 1, exclude_max=True)


def examples(count):
    return settings(
        max_examples=count, deadline=None, derandomize=True, database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )  # fmt: skip


class Layouts(dict):
    """Data set -> (its module, root, its annotations with their contents)."""

    def __repr__(self):  # Hypothesis prints it
        return f"Layouts of {list(self)}"


@pytest.fixture(scope="module")
def layouts(tmp_path_factory):
    made = Layouts()
    for module, pattern in (
        (ucf51, "ucfTrainTestlist/*01.txt"),
        (activitynet, "*.json"),
        (iemocap, "**/*.txt"),
    ):
        name = module.__name__.rpartition(".")[2]
        root = getattr(miniatures, name).write(tmp_path_factory.mktemp(name))
        files = sorted(root.glob(pattern))
        assert files
        made[name] = (module, root, {path: path.read_bytes() for path in files})
    return made


def put(path, content, read):
    """Reads with other content in a file, which has its own again afterwards."""
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        return read()
    finally:
        path.write_bytes(before)


@examples(120)
@given(st.sampled_from(["ucf51", "activitynet", "iemocap"]), SHARES, EDITS, JSON)
def test_annotations(layouts, name, share, edits, value):
    module, root, files = layouts[name]
    path = list(files)[int(share * len(files))]
    contents = [edited(files[path], edits)]
    if name == "activitynet":
        contents.append(replaced(files[path], share, value))
    for content in contents:
        try:
            listing = put(path, content, lambda: module.read(root))
        except ValueError as error:
            assert str(root) in str(error) or path.name in str(error), error
        else:
            for rows in listing.splits.values():
                assert all(0 <= row["label"] < len(listing.class_names) for row in rows)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    np.save(folder / "pose.npy", np.ones((3, 2), "float32"))
    row = {"pose": "pose.npy", "x.a": "1.5", "x.b": "2", "words": "so, it is"}
    rows = [{"id": f"r{n}", "label": "ab"[n % 2], "group": f"g{n // 4}", **row} for n in range(12)]
    path = write_csv(folder / "t.csv", rows)
    lines = folder / "t.jsonl"
    lines.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return [path, lines]


@examples(120)
@given(st.booleans(), EDITS)
def test_tables(table, which, edits):
    path = table[which]

    def read():
        return Table(str(path)).settled(path.parent, path.parent / "out").read(path.parent)

    try:
        put(path, edited(path.read_bytes(), edits), read)
    except ValueError as error:
        assert path.name in str(error) or "`table`" in str(error), error


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    rows = [{"id": f"r{n}", "label": n % 2, "group": "g"} for n in range(6)]
    read = lambda row: {"value": np.full(3, row["label"]), "text": row["id"]}  # noqa: E731
    write_records(rows, folder, read, shard_size=4, progress=False)
    return folder


@examples(150)
@given(EDITS, SHARES, JSON)
def test_index(records, edits, share, value):
    path, (index, samples) = records / "index.json", (read_index(records), read_samples(records))
    content = path.read_bytes()
    for other in (edited(content, edits), replaced(content, share, value)):
        try:
            found = put(path, other, lambda: (read_index(records), read_samples(records)))
        except ValueError as error:
            assert "index.json" in str(error) and "again" in str(error), error
        else:
            assert found == (index, samples)


@examples(100)
@given(EDITS, SHARES, JSON)
def test_checkpoint_headers(tmp_path_factory, edits, share, value):
    path = tmp_path_factory.getbasetemp() / "net.safetensors"
    if not path.exists():
        save_file({"a": np.ones((2, 3), "float32"), "b": np.arange(4)}, path)
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    head = replaced(content[8 : 8 + size], share, value)
    whole = len(head).to_bytes(8, "little") + head + content[8 + size :]
    for other in (edited(content[: 8 + size], edits) + content[8 + size :], whole):
        try:
            tensors = put(path, other, lambda: read_checkpoint(path))
        except ValueError as error:
            assert "net.safetensors" in str(error)
        else:
            assert all(isinstance(tensor, np.ndarray) for tensor in tensors.values())


@examples(60)
@given(EDITS)
def test_arrays(table, edits):
    path = table[0].with_name("pose.npy")
    head = edited(path.read_bytes()[:128], edits) + path.read_bytes()[128:]
    for content in (head, b"\x93NUMPY\x01\x00\x04\x00{(\n\n"):  # ends within its header
        try:
            assert put(path, content, lambda: read_array(path)).dtype.kind in "biuf"
        except MediaError as error:
            assert "pose.npy" in str(error)


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder, tone = tmp_path_factory.mktemp("media"), np.sin(np.arange(8000) / 9).astype("float32")
    frames = np.tile(np.arange(0, 250, 25, dtype=np.uint8)[:, None, None, None], (1, 16, 24, 3))
    write_sound(folder / "a.wav", tone, 8000)
    for name in ("a.mkv", "a.avi", "a.mp4"):
        write_clip(folder / name, frames, 10, tone, 8000)
    return sorted(folder.iterdir())


@examples(120)
@given(SHARES, EDITS)
def test_probing(media, share, edits):
    path = media[int(share * len(media))]
    try:
        found = put(path, edited(path.read_bytes(), edits), lambda: probe(path))
    except MediaError as error:
        assert path.name in str(error)
    else:
        assert found.has_video or found.has_sound
