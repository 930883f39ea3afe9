"""A table is a data set: real recordings -> records, whatever the table's form."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
import recordings as rec
import tensorflow as tf

from keras_amid.data import Tokens, Vocabulary, Windows, table
from keras_amid.data.datasets import Modality, Table, prepare, read_prepared
from keras_amid.data.media import read_segments, read_sound
from keras_amid.own.inputs import Inputs

pytestmark = pytest.mark.any_backend
SAME = {"sample_rate": rec.RATE, "short_side": 32, "progress": False, "workers": 2}
COUNT = 8


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return rec.write_recordings(tmp_path_factory.mktemp("recordings"), COUNT)


def full_rows():
    """Every kind of column; the sound in the videos is a modality as well."""
    return [
        {
            "id": f"take {n}",
            "label": ["walk", "run"][n % 2],
            "split": ["train", "train", "validation", "test"][n // 2],
            "group": f"person {n // 2}",
            "video": f"clip{n}.mkv",
            "pose": f"pose{n}.npy",
            "imu.x": 0.5 * n,
            "imu.y": -n,
            "words": f"take number {n}",
        }
        for n in range(COUNT)
    ]


@pytest.fixture(scope="module")
def full(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("full")
    return table.prepare(rec.write_csv(root / "full.csv", full_rows()), out, **SAME)


def test_pictures_and_a_second_camera(root, tmp_path):
    levels = [40 + 10 * n for n in range(COUNT)]
    for n, level in enumerate(levels):
        picture = np.full((48, 40, 3), level, "uint8")
        encode, suffix = (tf.io.encode_png, "png") if n % 2 else (tf.io.encode_jpeg, "jpg")
        (root / f"still{n}.{suffix}").write_bytes(encode(picture).numpy())
    (root / "still0.jpg").write_bytes(b"no picture")
    rows = [
        {
            "label": n % 2,
            "split": ["train", "test"][n % 4 == 3],
            "front": f"clip{n}.mkv",
            "side": f"clip{COUNT - 1 - n}.mkv" if n else "",
            "file": f"still{n}.{['jpg', 'png'][n % 2]}",
        }
        for n in range(COUNT)
    ]
    path = rec.write_csv(root / "cameras.csv", rows)
    kinds = {"front": "video", "side": "video"}
    data = table.prepare(path, tmp_path, kinds=kinds, **SAME)
    assert "no picture" not in data.report() and len(data.left_out["train"]) == 1
    assert data.modalities["image"] == Modality("video", (1, 38, 32, 3))
    decoders = {"front": Windows(4, 4, 16), "side": Windows(4, 4, 16), "image": Windows(1, 4, 16)}
    ((x, _),) = data.pipeline("test", 8, decoders, with_index=True).as_numpy_iterator()
    assert x["index"].tolist() == [0, 0, 1, 1]  # 6 frames each
    found = x["image"].mean(axis=(1, 2, 3, 4))
    np.testing.assert_allclose(found, np.repeat([levels[3], levels[7]], 2), atol=1)
    fronts = [rec.picture(3)[:4].mean(), rec.picture(3)[2:].mean()]
    np.testing.assert_allclose(x["front"].mean(axis=(1, 2, 3, 4))[:2], fronts, atol=1)
    described = {name: {"kind": "video", "shape": list(x[name].shape[1:]), "sample_rate": None}
                 for name in decoders}  # fmt: skip
    inputs = Inputs({"modalities": described, "fps": None, "short_side": 32})
    cells = {"front": "clip3.mkv", "side": "clip4.mkv", "image": "still3.png"}
    for name, values in inputs.of_row(cells, root).items():
        np.testing.assert_array_equal(values, x[name][:2])
    with pytest.raises(
        ValueError, match=r"must be a table with columns of \['front', 'side', 'image'"
    ):
        inputs.check_files()


def test_every_kind_of_column_is_found_and_kept(full, root):
    assert full.counts == {"train": 4, "validation": 2, "test": 2}
    assert full.class_names == ("run", "walk")
    assert full.modalities == {
        "video": Modality("video", (rec.FRAMES, 32, 48, 3)),
        "audio": Modality("audio", (round(rec.SECONDS * rec.RATE),), rec.RATE, may_lack=True),
        "pose": Modality("array", (2, 3)),
        "imu": Modality("array", (2,)),
        "words": Modality("text", ()),
    }
    words = Vocabulary.of(row["words"] for row in full_rows())
    kinds = {"video": None, "audio": None, "pose": None, "imu": None, "words": Tokens(words)}
    (x, y), *others = full.pipeline("test", 2, kinds)
    assert not others and y.numpy().tolist() == [1, 0]
    x = {name: keras.ops.convert_to_numpy(value) for name, value in x.items()}
    for place, number in enumerate([6, 7]):
        wanted = read_segments(root / f"clip{number}.mkv", short_side=32, sample_rate=rec.RATE)
        assert np.abs(x["video"][place].astype(int) - wanted.frames).mean() < 2  # JPEG
        assert np.abs(x["audio"][place] - wanted.audio).max() < 1e-4
        assert np.array_equal(x["pose"][place], rec.pose(number))
        assert np.array_equal(x["imu"][place], [0.5 * number, -number])
        assert words.words[x["words"][place][2] - 2] == str(number)
    samples = full.samples("train")
    assert [s["id"] for s in samples] == [f"take {n}" for n in range(4)]
    assert [s["group"] for s in samples] == [f"person {n // 2}" for n in range(4)]


@pytest.mark.parametrize("suffix", [".tsv", ".jsonl", ".parquet", "frame"])
def test_the_form_of_the_table_does_not_matter(full, root, suffix):
    frame = pd.DataFrame(full_rows())
    if suffix == ".jsonl":
        frame.to_json(root / "same.jsonl", orient="records", lines=True)
    elif suffix == ".parquet":
        frame.to_parquet(root / "same.parquet")
    elif suffix == ".tsv":
        frame.to_csv(root / "same.tsv", sep="\t", index=False)
    source = frame if suffix == "frame" else root / f"same{suffix}"
    listing = table.read(source, root, sample_rate=rec.RATE, short_side=32)
    assert listing == table.read(root / "full.csv", sample_rate=rec.RATE, short_side=32)
    # Paths are relative to `root`, which is the table's folder unless it is given.
    data = prepare(Table(source, **_options()), root, full.folder, progress=False)
    assert data == full


def _options():
    return {name: SAME[name] for name in ("sample_rate", "short_side")}


def test_sound_beside_the_video_and_segments(root, tmp_path):
    rows = [
        {"video": "clip1.mkv", "sound": "tone1.wav", "start": "", "end": "0.3", "label": 0},
        {"video": "clip1.mkv", "sound": "tone1.wav", "start": 0.2, "end": 0.5, "label": 1},
        {"video": "clip1.mkv", "sound": "tone1.wav", "start": 0.3, "end": "", "label": 0},
        {"video": "clip2.mkv", "sound": "clip2.mkv", "start": 0.5, "end": 9, "label": 1},
        {"video": "clip3.mkv", "sound": "tone3.wav", "start": 0.9, "end": 1, "label": 1},
    ]
    for row in rows:
        row["split"] = "train"
    path = rec.write_csv(root / "segments.csv", rows)
    data = table.prepare(path, tmp_path, **SAME)
    assert {name: m.kind for name, m in data.modalities.items()} == {
        "video": "video",
        "sound": "audio",
    }
    assert [s["lengths"]["video"] for s in data.samples("train")] == [3, 3, 3, 1]
    sounds = [x["sound"].numpy()[0] for x, _ in data.pipeline("train", 1, ["sound"])]
    whole = read_sound(root / "tone1.wav", rec.RATE)
    for sound, (start, end) in zip(sounds, [(0, 0.3), (0.2, 0.5), (0.3, None)], strict=False):
        wanted = whole[round(start * rec.RATE) : round((end or 9) * rec.RATE)]
        assert np.abs(sound - wanted).max() < 1e-4
    ids = [s["id"] for s in data.samples("train")]
    assert ids == ["clip1.mkv#-0.3", "clip1.mkv#0.2-0.5", "clip1.mkv#0.3-", "clip2.mkv#0.5-9"]
    (left,) = data.left_out["train"]
    assert left["id"] == "clip3.mkv#0.9-1" and "starts after the end" in left["reason"]
    assert "runs past the end (0.6 s)" in data.notes["train"][-1]["note"]


def test_kinds_can_be_said(root, tmp_path):
    rows = [{"file": f"clip{n}.mkv", "code": n, "label": n % 2, "split": "train"} for n in range(4)]
    path = rec.write_csv(root / "kinds.csv", rows)
    listing = table.read(path)
    assert list(listing.splits["train"][0]["cells"]) == ["video", "audio", "code"]
    kinds = {"file": "audio", "code": "text"}
    listing = table.read(path, kinds=kinds)
    assert listing.splits["train"][3]["cells"] == {"audio": "clip3.mkv", "code": "3"}
    listing = table.read(path, kinds={"file": "video", "code": "ignore"})
    assert listing.splits["train"][3]["cells"] == {"video": "clip3.mkv"}
    for wrong in ({"code": "picture"}, {"cod": "text"}, ["code"]):
        with pytest.raises(ValueError, match="`kinds` must"):
            table.read(path, kinds=wrong)


def test_rows_without_label_and_with_missing_cells(root, tmp_path):
    rows = [
        {"video": f"clip{n}.mkv", "pose": f"pose{n}.npy", "label": n % 2, "split": "train"}
        for n in range(4)
    ]
    rows[1]["label"] = ""
    rows[2]["pose"] = ""
    data = table.prepare(
        rec.write_csv(root / "holes.csv", rows), tmp_path, missing="leave-out", **SAME
    )
    assert [s["label"] for s in data.samples("train")] == [0, -1, 1]
    assert data.problems == [{"id": "clip2.mkv", "reason": "row 4 has no pose"}]
    assert "row 4 has no pose" in (tmp_path / "report.txt").read_text()


def test_missing_cells_and_silent_videos_are_masked(root, tmp_path):
    rec.write_video(root / "silent.mkv", 3, silent=True)
    rows = [
        {"video": f"clip{n}.mkv", "pose": f"pose{n}.npy", "words": f"w{n}", "label": n % 2}
        for n in range(4)
    ]
    rows[0]["pose"], rows[2]["words"], rows[3]["video"] = "", "", "silent.mkv"
    rows = [{**row, "split": ["train", "test"][n == 1]} for n, row in enumerate(rows)]
    path = rec.write_csv(root / "mask.csv", rows)
    data = table.prepare(path, tmp_path / "mask", **SAME)
    assert data.counts == {"train": 3, "test": 1} and data.problems == []
    kinds = {"video": None, "audio": None, "pose": None}
    ((x, _),) = data.pipeline("train", 3, kinds)
    present = {name: there.numpy().tolist() for name, there in x["present"].items()}
    assert present == {"pose": [False, True, True], "audio": [True, True, False]}
    for name, there in present.items():
        empty = [not np.any(value) for value in x[name].numpy()]
        assert empty == [not has for has in there]
    ((x, _),) = data.pipeline("test", 1, kinds)
    assert {name: there.numpy().tolist() for name, there in x["present"].items()} == {
        "pose": [True],
        "audio": [True],
    }
    left_out = table.prepare(path, tmp_path / "left", missing="leave-out", **SAME)
    assert left_out.counts == {"train": 0, "test": 1}
    reasons = [item["reason"] for item in left_out.problems + left_out.left_out["train"]]
    assert reasons == ["row 2 has no pose", "row 4 has no words", "no sound"]


def test_splits_are_made_by_group_and_written_down(root, tmp_path):
    rows = [
        {"video": f"clip{n}.mkv", "label": n % 2, "group": f"g{n // 2}"} for n in range(COUNT - 2)
    ]
    path = rec.write_csv(root / "grow.csv", rows)
    options = {**SAME, "validation": 0.25, "test": 0.25, "kinds": {"video": "video"}}
    first = table.prepare(path, tmp_path, **options)
    assert sum(first.counts.values()) == 6 and set(first.counts) == {"train", "validation", "test"}
    before = (tmp_path / "splits.csv").read_text().splitlines()
    assert before[0] == "id,split,label,group" and before[1].endswith(",0,g0")
    homes = {line.split(",")[3]: line.split(",")[1] for line in before[1:]}
    assert all(homes[line.split(",")[3]] == line.split(",")[1] for line in before[1:])
    with pytest.raises(ValueError, match="`seed`: 0 there, 1 asked for"):
        table.prepare(path, tmp_path, seed=1, **options)
    assert (tmp_path / "splits.csv").read_text().splitlines() == before


def test_a_file_that_breaks_is_counted_and_named(root, tmp_path):
    whole = (root / "clip0.mkv").read_bytes()
    (root / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    np.save(root / "flat.npy", np.zeros(3))
    np.save(root / "nan.npy", np.full((2, 3), np.nan))
    (root / "text.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00{(")
    np.save(root / "object.npy", np.array([{}], object), allow_pickle=True)
    files = [f"{name}.npy" for name in ("pose0", "pose1", "flat", "nan", "text", "object")]
    rows = [{"pose": file, "video": "clip1.mkv", "label": 0} for file in files]
    rows = [{**row, "split": "train"} for row in [*rows, {"video": "cut.mkv", "label": 1}]]
    rows[-1]["pose"] = "pose3.npy"
    data = table.prepare(rec.write_csv(root / "broken.csv", rows), tmp_path, **SAME)
    reasons = {item["id"]: item["reason"] for item in data.left_out["train"]}
    assert data.counts == {"train": 2} and len(reasons) == 5
    assert "shape (3,), not of 2 dimensions" in reasons["flat.npy"]
    assert "not finite" in reasons["nan.npy"]
    assert "no whole .npy file" in reasons["text.npy"]
    assert "no whole .npy file" in reasons["object.npy"]
    assert "truncated" in reasons["pose3.npy"]
    left = json.loads((tmp_path / "report.json").read_text())["left_out"]["train"]
    assert {item["id"] for item in left} == set(reasons)


def test_nothing_is_written_outside_out(root, tmp_path):
    rows = [{"id": "../../evil", "video": str(root / "clip0.mkv"), "label": "../x"}]
    rows += [{"id": "/abs", "video": f"../{root.name}/clip1.mkv", "label": "b", "group": "../g"}]
    before = set(root.rglob("*"))
    (tmp_path / "in").mkdir()
    path = rec.write_csv(root / "paths.csv", rows)
    data = table.prepare(path, tmp_path / "in" / "out", **SAME)
    assert data.counts == {"train": 2} and read_prepared(data.folder) == data
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]
    assert [p.name for p in (tmp_path / "in").iterdir()] == ["out"]
    assert set(root.rglob("*")) - before == {path}


def test_rows_that_are_added_are_taken_up(root, tmp_path):
    rows = [{"pose": f"pose{n}.npy", "label": "nm"[n % 2]} for n in range(6)]
    rows.append({"pose": "late.npy", "label": "m"})
    (root / "late.npy").write_bytes(b"")
    path, out = root / "growing.csv", tmp_path / "out"
    options = {**SAME, "shard_size": 3, "validation": 0.0, "test": 0.4}
    first = table.prepare(rec.write_csv(path, rows), out, **options)
    assert first.class_names == ("m", "n")
    assert [item["id"] for items in first.left_out.values() for item in items] == ["late.npy"]
    before = {file: file.stat().st_mtime_ns for file in out.rglob("*")}
    assert table.prepare(path, out, **options) == first
    assert {file: file.stat().st_mtime_ns for file in out.rglob("*")} == before
    splits = (out / "splits.csv").read_text().splitlines()

    new = [{"pose": "pose6.npy", "label": "a"}, {"pose": "pose7.npy", "label": "n"}]
    np.save(root / "late.npy", rec.pose(9))
    second = table.prepare(rec.write_csv(path, [*new, *rows]), out, **options)
    assert second.class_names == ("m", "n", "a")
    assert sum(second.counts.values()) == 9 and not any(second.left_out.values())
    assert set(splits) <= set((out / "splits.csv").read_text().splitlines())
    for split in ("train", "test"):
        known = first.samples(split)
        assert [sample for sample in second.samples(split) if sample in known] == known
    kept = [file for file in before if file.suffix == ".tfrecord"]
    unchanged = [file for file in kept if file.stat().st_mtime_ns == before[file]]
    assert len(kept) > len(unchanged) >= 1  # but for the shard of the file that was mended
    found = second.pipeline(["train", "test"], 1, ["pose"])
    assert sorted(x["pose"].numpy()[0, 0, 0] for x, _ in found) == [0, 1, 2, 3, 4, 5, 6, 7, 9]
