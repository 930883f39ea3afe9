import shutil

import numpy as np
import pytest
import record_examples

from keras_amid.data import CenterCrop, PreparedData, RandomClip, Windows, ucf51
from keras_amid.data.datasets.miniatures import content
from keras_amid.data.datasets.miniatures import ucf51 as miniature

pytestmark = pytest.mark.any_backend
FIRST = "v_ApplyEyeMakeup"
RATE = 16000


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return miniature.write(tmp_path_factory.mktemp("ucf"), classes=3, videos=4, size=(36, 48))


@pytest.fixture(scope="module")
def data(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("records")
    return ucf51.prepare(root, out, sample_rate=RATE, short_side=32, progress=False)


def official(root, name):
    """Dict id -> folder of an official list, as far as its lines make sense."""
    lines = (root / "ucfTrainTestlist" / name).read_text().split("\n")
    pairs = [line.split()[0].split("/") for line in lines if "/" in line]
    return {file[:-4]: folder for folder, file in pairs}


def test_the_51_classes():
    names = ucf51.CLASS_NAMES
    assert len(names) == 51 and list(names) == sorted(names)
    assert [names[k] for k in (0, 25, 50)] == [
        "ApplyEyeMakeup",
        "HandstandPushups",
        "WritingOnBoard",
    ]
    assert len({*names, *miniature.SILENT_CLASSES}) == 101


def test_labels_in_the_records_are_those_of_the_official_lists(root, data):
    missing = {
        f"{FIRST}_{rest}" for rest in ("g23_c01", "g23_c02", "g21_c01", "g21_c02", "g21_c03")
    }
    for split in ("train", "test"):
        listed = official(root, f"{split}list01.txt")
        found = record_examples.labels(data.records(split))
        assert set(found) == {k for k in listed if not k.startswith("v_Basketball")} - missing
        for name, label in found.items():
            assert sorted(ucf51.CLASS_NAMES)[label] == listed[name]
        assert data.counts[split] == len(found)
    assert set(record_examples.labels(data.records("train")).values()) == {0, 1, 25}


def test_what_is_seen_and_heard_belongs_to_the_label(data):
    for feature in record_examples.examples(data.records("test")).values():
        label = feature["label"].int64_list.value[0]
        heard = record_examples.loudest(record_examples.sound(feature), RATE)
        assert heard == pytest.approx(content.pitch(label), abs=5)
        frames = record_examples.picture(feature)
        assert frames.shape == (25, 32, 43, 3)
        colours = np.abs(frames.astype(float) - 128).mean((0, 1, 2))
        expected = content.pattern(label, 0, 0.04, 25, (32, 43)).astype(float)
        expected = np.abs(expected - 128).mean((0, 1, 2))
        np.testing.assert_allclose(colours / colours.sum(), expected / expected.sum(), atol=0.06)


def test_files_of_the_trap_are_found_whatever_the_case(root, data):
    trapped = [name for name in record_examples.labels(data.records("train")) if "Pushups" in name]
    assert len(trapped) == 3 and all(name.startswith("v_HandStandPushups_g") for name in trapped)
    folder = root / "UCF-101" / "HandstandPushups"
    assert len(list(folder.glob("v_HandStandPushups_*.avi"))) == 4


def test_awkward_cases_are_counted_and_named(data):
    problems = {item["id"]: item["reason"] for item in data.problems}
    assert problems == {
        "trainlist01.txt:2": "does not parse: 'this line does not parse'",
        f"{FIRST}_g23_c01": "in trainlist01.txt, but there is no such file",
        f"{FIRST}_g23_c02": "class 2 in trainlist01.txt:19, but ApplyEyeMakeup in its path",
        f"{FIRST}_g24_c01": "in no list of split 1",
    }
    left_out = {item["id"]: item["reason"] for item in data.left_out["train"]}
    assert left_out.pop(f"{FIRST}_g21_c01").startswith("truncated (0.04 s of 1.0")
    assert left_out == {
        f"{FIRST}_g21_c02": "empty file (zero bytes)",
        f"{FIRST}_g21_c03": "no sound",
    }
    assert {item["id"]: item["note"] for item in data.notes["train"]} == {
        f"{FIRST}_g22_c01": "1 frame, fewer than 16",
        f"{FIRST}_g22_c02": "odd size (45x35)",
        f"{FIRST}_g22_c03": "tiny size (20x16)",
    }
    assert data.left_out["test"] == data.notes["test"] == []
    report = (data.folder / "report.txt").read_text()
    assert report == data.report() + "\n"
    for name in [*problems, *left_out, f"{FIRST}_g22_c02", "4893", "1944", "6845"]:
        assert name in report
    assert data.counts == {"train": 12, "test": 3} and data.num_classes == 51


def test_batches(data):
    train = data.pipeline(
        "test", 2, {"video": Windows(frames=16, size=24)}, with_index=True
    ).as_numpy_iterator()
    x, y = next(iter(train))
    assert x["video"].shape == (2, 16, 24, 24, 3) and y.dtype == np.int32
    both = data.pipeline(["train", "test"], 15, {"video": Windows(frames=8, size=16)})
    assert set(np.concatenate([y for _, y in both.as_numpy_iterator()])) == {0, 1, 25}
    assert PreparedData.open(data.folder) == data
    with pytest.raises(ValueError, match=r"`split` must be one of \['train', 'test'\]"):
        data.pipeline("exam", 2, {"video": RandomClip()})
    with pytest.raises(ValueError, match="`session`"):
        data.fold(1)


def test_videos_without_sound_are_kept_with_a_mask(root, data, tmp_path):
    options = {"sample_rate": RATE, "short_side": 32, "progress": False}
    masked = ucf51.prepare(root, tmp_path, missing="mask", **options)
    silent = f"{FIRST}_g21_c03"
    assert masked.counts == {"train": data.counts["train"] + 1, "test": data.counts["test"]}
    assert silent not in {item["id"] for item in masked.left_out["train"]}
    assert {item["id"]: item["note"] for item in masked.notes["train"]}[silent] == "no sound"
    ids = [sample["id"] for sample in masked.samples("train")]
    ways = {"audio": CenterCrop(100)}
    (x, _), (test, _) = (
        next(masked.pipeline(split, 20, ways).as_numpy_iterator()) for split in ("train", "test")
    )
    assert x["present"]["audio"].tolist() == [name != silent for name in ids]
    assert x["audio"].any(axis=1).tolist() == [name != silent for name in ids]
    assert test["present"]["audio"].tolist() == [True] * 3  # in every split alike
    assert set(next(data.pipeline("train", 2, ways).as_numpy_iterator())[0]) == {"audio"}
    with pytest.raises(ValueError, match=r"`missing` must be one of \['leave-out', 'mask'\]"):
        ucf51.prepare(root, tmp_path, missing="zeros", **options)


def test_the_folder_of_the_videos_will_do(root, tmp_path):
    expected = ucf51.read(root)
    assert ucf51.read(root / "UCF-101") == expected
    inside = tmp_path / "videos"
    shutil.copytree(root / "UCF-101", inside)
    shutil.copytree(root / "ucfTrainTestlist", inside / "ucfTrainTestlist")
    assert ucf51.read(inside).splits == expected.splits
    (inside / "HandstandPushups").rename(inside / "handstandpushups")
    for path in (inside / "handstandpushups").iterdir():
        path.rename(path.with_suffix(".AVI"))
    found = ucf51.read(inside)
    assert [row["id"] for row in found.splits["test"]] == [
        row["id"] for row in expected.splits["test"]
    ]
    assert found.problems == expected.problems


def test_splits_and_repeated_lines(root, tmp_path):
    shutil.copytree(root, tmp_path / "copy")
    lists = tmp_path / "copy" / "ucfTrainTestlist"
    first = (lists / "trainlist02.txt").read_text().split("\n")[0].split()[0]
    with open(lists / "testlist02.txt", "a") as file:
        file.write(f"{first}\nNoSuchClass/v_NoSuchClass_g01_c01.avi\n")
    listing = ucf51.read(tmp_path / "copy", split=2)
    problems = {item["id"]: item["reason"] for item in listing.problems}
    name = first.split("/")[1][:-4]
    assert "its first place (trainlist02.txt:1) counts" in problems[name]
    assert problems["testlist02.txt:5"] == "class 'NoSuchClass' is not in classInd.txt"
    assert name not in {row["id"] for row in listing.splits["test"]}
    assert len(ucf51.read(root, split=3).splits["test"]) == 3


@pytest.mark.parametrize(
    ("absent", "message"),
    [
        ("", r"looked for .*UCF-101.*is no folder"),
        (
            "UCF-101",
            r"must hold UCF101 \(looked for .*UCF-101, files such as v_ApplyEye.*ucfTrain",
        ),
        ("ucfTrainTestlist", r"must hold lists of UCF101 \(looked for .*ucfTrainTestlist"),
        ("ucfTrainTestlist/testlist01.txt", "must hold lists.*looked for .*testlist01.txt"),
        ("ucfTrainTestlist/classInd.txt", "must hold lists.*looked for .*classInd.txt"),
    ],
)
def test_what_is_missing_is_said(root, tmp_path, absent, message):
    copy = tmp_path / "copy"
    if absent:
        shutil.copytree(root, copy)
        path = copy / absent
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ValueError, match=message):
        ucf51.prepare(copy, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_wrong_arguments_and_lists_are_named(root, tmp_path):
    with pytest.raises(ValueError, match=r"`split` must be one of \[1, 2, 3\]; received 4"):
        ucf51.read(root, split=4)
    shutil.copytree(root, tmp_path / "copy")
    path = tmp_path / "copy" / "ucfTrainTestlist" / "classInd.txt"
    path.write_text("1 Cats\n2 Dogs\n")
    with pytest.raises(ValueError, match="classInd.txt names none of the 51 classes"):
        ucf51.read(tmp_path / "copy")
    path.write_text("1 ApplyEyeMakeup\nApplyLipstick\n26 HandstandPushups\n")
    problems = {item["id"]: item["reason"] for item in ucf51.read(tmp_path / "copy").problems}
    assert problems["classInd.txt:2"] == "does not parse: 'ApplyLipstick'"
    assert problems["ApplyLipstick"] == "class is not in classInd.txt"


def test_nothing_that_can_be_used(root, tmp_path):
    shutil.copytree(root, tmp_path / "copy")
    videos = list((tmp_path / "copy" / "UCF-101").rglob("*.avi"))
    for path in videos[1:]:
        path.unlink()
    videos[0].rename(videos[0].with_name("v_ApplyLipstick_g25_c07.avi"))
    with pytest.raises(ValueError, match="must hold samples that can be used.*no such file"):
        ucf51.prepare(tmp_path / "copy", tmp_path / "out", progress=False)
    videos[0].with_name("v_ApplyLipstick_g25_c07.avi").unlink()
    with pytest.raises(ValueError, match="must hold UCF101.*which holds UCF-101, ucfTrain"):
        ucf51.prepare(tmp_path / "copy", tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()
