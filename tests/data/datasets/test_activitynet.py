import json

import numpy as np
import pytest
import record_examples

from keras_amid.data import activitynet
from keras_amid.data.datasets.miniatures import activitynet as miniature
from keras_amid.data.datasets.miniatures import content

pytestmark = pytest.mark.any_backend
RATE = 16000


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("activitynet")
    return miniature.write(folder, classes=2, videos=3, size=(36, 48))


@pytest.fixture(scope="module")
def data(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("records")
    return activitynet.prepare(root, out, sample_rate=RATE, progress=False)


def annotated(root):
    return json.loads((root / "activity_net.v1-3.min.json").read_text())["database"]


def test_labels_in_the_records_are_those_of_the_annotations(root, data):
    database = annotated(root)
    assert data.class_names == ("Applying sunscreen", "Archery")
    for split, subset in (("train", "training"), ("validation", "validation")):
        found = record_examples.labels(data.records(split))
        assert data.counts[split] == len(found)
        for name, label in found.items():
            assert database[name]["subset"] == subset
            own = {a["label"] for a in database[name]["annotations"]}
            assert data.class_names[label] in own and (len(own) == 1 or name == "two_labels_")
    unused = {
        "truncated__",
        "zero_bytes_",
        "silent_____",
        "missing____",
        "unannotated",
        "testing____",
    }
    used = {
        *record_examples.labels(data.records("train")),
        *record_examples.labels(data.records("validation")),
    }
    assert used == set(database) - unused


def test_only_the_annotated_time_is_kept(data):
    """Two seconds of activity between half seconds of something else, of another tone."""
    for name, feature in record_examples.examples(data.records("train")).items():
        if name.startswith("c0") or name in ("reversed___", "overlapping", "past_end___"):
            sound = record_examples.sound(feature)
            assert len(sound) == pytest.approx(2 * RATE, abs=0.05 * RATE)
            label = feature["label"].int64_list.value[0]
            for part in np.array_split(sound, 4):
                loudest = record_examples.loudest(part, RATE)
                assert loudest == pytest.approx(content.pitch(label), abs=5)
            assert record_examples.picture(feature).shape == (16, 36, 48, 3)


def test_awkward_cases_are_counted_and_named(data):
    assert {item["id"]: item["reason"] for item in data.problems} == {
        "activity_net.v1-3.min.json": "annotates 2 classes instead of 200",
        "missing____": "no such file",
        "unannotated": "no segment that can be used",
    }
    left_out = {item["id"]: item["reason"] for item in data.left_out["train"]}
    assert left_out.pop("truncated__").startswith("truncated (")
    assert left_out == {"zero_bytes_": "empty file (zero bytes)", "silent_____": "no sound"}
    notes = {item["id"]: item["note"] for item in data.notes["train"]}
    assert notes == {
        "odd_size___": "odd size (45x35)",
        "one_frame__": "1 frame, fewer than 16",
        "overlapping": "segments overlap at 1.3 s",
        "past_end___": "segment at 102.5 s starts after the end (3.1 s)",
        "reversed___": "segment [2.5, 0.5] is reversed",
        "rotated____": "rotated by 270 degrees",
        "two_labels_": "several labels (Applying sunscreen, Archery), Applying sunscreen is kept",
        "two_parts__": "12 frames, fewer than 16",
        "vfr________": "variable frame rate",
    }
    report = data.report()
    assert all(name in report for name in [*notes, *left_out, "missing____", "10024", "4926"])


def test_pictures_of_awkward_cases(data):
    examples = record_examples.examples(data.records("train"))
    shapes = {name: record_examples.picture(f).shape for name, f in examples.items()}
    assert shapes["rotated____"] == (16, 48, 36, 3) and shapes["odd_size___"] == (16, 35, 45, 3)
    assert shapes["vfr________"] == (16, 36, 48, 3) and shapes["two_parts__"][0] == 12
    assert shapes["one_frame__"][0] == 1


def test_samples_are_in_the_order_of_their_ids(root):
    names = [row["id"] for row in activitynet.read(root).splits["train"]]
    assert names == sorted(names) and len(names) == 16


def write_annotations(folder, database, version="VERSION 1.3"):
    path = folder / "activity_net.v1-3.min.json"
    path.write_text(json.dumps({"version": version, "database": database}))
    return folder


def entry(*segments, subset="training", label="Archery"):
    annotations = [{"segment": segment, "label": label} for segment in segments]
    return {"subset": subset, "annotations": annotations}


def test_segments_are_put_in_order(tmp_path):
    segments = {
        "several": [[5, 7], [1, 2.5], [2, 4]],
        "touching": [[1, 2], [2, 3]],
        "below_zero": [[-1, 2], [-5, -2]],
        "strange": [["a", 2], [1], None, [3, 3], [float("nan"), 2], [4, 5]],
    }
    write_annotations(tmp_path, {name: entry(*s) for name, s in segments.items()})
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in segments:
        (tmp_path / "deep" / "er" / f"v_{name}.webm").touch()
    (tmp_path / "v_several.mp4").touch()
    rows = {row["id"]: row for row in activitynet.read(tmp_path).splits["train"]}
    assert {name: row["segments"] for name, row in rows.items()} == {
        "several": [[1, 4], [5, 7]],
        "touching": [[1, 3]],
        "below_zero": [[0, 2]],
        "strange": [[4, 5]],
    }
    assert rows["several"]["file"] == "v_several.mp4"
    assert rows["touching"]["file"] == "deep/er/v_touching.webm" and "notes" not in rows["touching"]
    assert len(rows["strange"]["notes"]) == 5


def test_labels_are_in_alphabetical_order_over_every_subset(tmp_path):
    database = {
        "a": entry([0, 1], label="Surfing"),
        "b": entry([0, 1], label="BMX", subset="validation"),
        "c": entry([0, 1], label="Knitting", subset="validation"),
        "d": entry([0, 1], subset="exam"),
        "e": "no entry",
    }
    for name in database:
        (tmp_path / f"v_{name}.mp4").touch()
    listing = activitynet.read(write_annotations(tmp_path, database))
    assert listing.class_names == ("Archery", "BMX", "Knitting", "Surfing")
    assert [row["label"] for row in listing.splits["train"]] == [3]
    assert [row["label"] for row in listing.splits["validation"]] == [1, 2]
    problems = {item["id"]: item["reason"] for item in listing.problems}
    assert problems["d"] == "subset 'exam' is unknown" and "unknown" in problems["e"]


@pytest.mark.parametrize(
    ("version", "database", "message"),
    [
        ("VERSION 1.2", {"a": {}}, "must be of 'VERSION 1.3'; received 'VERSION 1.2'"),
        (None, {"a": {}}, "must be of 'VERSION 1.3'; received None"),
        ("VERSION 1.3", {}, "has no `database`"),
        ("VERSION 1.3", [1], "has no `database`"),
    ],
)
def test_other_annotation_files_are_refused(tmp_path, version, database, message):
    with pytest.raises(ValueError, match=message):
        activitynet.read(write_annotations(tmp_path, database, version))


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(ValueError, match="looked for .*activity_net.v1-3.min.json.*is no folder"):
        activitynet.read(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="must hold ActivityNet.*v1-3.min.json.*is empty"):
        activitynet.read(tmp_path)
    (tmp_path / "activity_net.v1-3.min.json").write_text("{half")
    with pytest.raises(ValueError, match="is no ActivityNet annotation file"):
        activitynet.read(tmp_path)
    (tmp_path / "activity_net.v1-3.min.json").write_text("[1]")
    with pytest.raises(ValueError, match="is no ActivityNet annotation file"):
        activitynet.read(tmp_path)
