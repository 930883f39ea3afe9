"""UCF101 as laboratories keep it: recoded, as pictures, in other folders."""

import shutil

import numpy as np
import pytest
import record_examples
import tensorflow as tf

from keras_amid.data import MediaError, limit, ucf51, write_clip, write_sound
from keras_amid.data.datasets.miniatures import content
from keras_amid.data.datasets.miniatures import ucf51 as miniature

pytestmark = pytest.mark.any_backend
SECONDS = 0.8
OPTIONS = {"sample_rate": 16000, "short_side": 32, "progress": False}


@pytest.fixture
def root(tmp_path):
    return miniature.write(
        tmp_path / "root", classes=2, videos=2, seconds=SECONDS, size=(36, 48), awkward=False
    )


def labels(listing):
    return {row["id"]: row["label"] for rows in listing.splits.values() for row in rows}


def videos(root):
    return sorted((root / "UCF-101").rglob("*.avi"))


def recode(path, suffix=".mp4", **options):
    """Replaces a video by another file that shows and sounds like its class."""
    label = [name.lower() for name in ucf51.CLASS_NAMES].index(path.parent.name.lower())
    frames = content.pattern(label, 7, SECONDS, 25, (36, 48))
    sound = content.tone(label, 7, SECONDS, 44100)
    write_clip(path.with_suffix(suffix), frames, 25, sound, 44100, "mpeg4", "aac", **options)
    path.unlink()
    return path.with_suffix(suffix)


def to_pictures(path, pictures, sounds=None, form="image_{:05d}.jpg"):
    """Replaces a video by a folder of its pictures, and a .wav."""
    label = [name.lower() for name in ucf51.CLASS_NAMES].index(path.parent.name.lower())
    folder = pictures / path.stem
    folder.mkdir(parents=True)
    for number, frame in enumerate(content.pattern(label, 7, SECONDS, 25, (36, 48)), start=1):
        (folder / form.format(number)).write_bytes(tf.io.encode_jpeg(frame, quality=95).numpy())
    if sounds is not None:
        write_sound(sounds / f"{path.stem}.wav", content.tone(label, 7, SECONDS, 44100), 44100)
    path.unlink()


def check_prepared(root, out, count=4):
    """Every sample is there, and looks and sounds like its class."""
    data = ucf51.prepare(root, out, **OPTIONS)
    assert data.left_out == {"train": [], "test": []} and sum(data.counts.values()) == count
    for split in ("train", "test"):
        for feature in record_examples.examples(data.records(split)).values():
            label = feature["label"].int64_list.value[0]
            assert record_examples.picture(feature).shape == (20, 32, 43, 3)
            sound = record_examples.sound(feature)
            assert len(sound) == pytest.approx(SECONDS * 16000, abs=1600)
            heard = record_examples.loudest(sound[: int(0.5 * 16000)], 16000)
            assert heard == pytest.approx(content.pitch(label), abs=5)
    return data


def test_recoded_videos(root, tmp_path):
    expected = labels(ucf51.read(root))
    for path, suffix in zip(videos(root), (".mp4", ".mkv", ".MP4", ".mov"), strict=True):
        recode(path, suffix)
    listing = ucf51.read(root)
    assert labels(listing) == expected and not listing.problems
    check_prepared(root, tmp_path / "out")


@pytest.mark.parametrize("beside", [True, False])
def test_pictures_and_sounds(root, tmp_path, beside):
    """`UCF-101/<Class>/v_*/image_00001.jpg` with `v_*.wav` beside it, or below a folder `wav`."""
    expected = labels(ucf51.read(root))
    for path in videos(root):
        sounds = path.parent if beside else root / "wav" / path.parent.name
        to_pictures(path, path.parent, sounds)
    flow = next((root / "UCF-101").rglob("image_00001.jpg"))
    (flow.parent / "flow_x_00001.jpg").write_bytes(flow.read_bytes())
    listing = ucf51.read(root)
    assert labels(listing) == expected and not listing.problems
    data = check_prepared(root, tmp_path / "out")
    assert data.notes == {"train": [], "test": []}


def test_pictures_are_taken_in_the_order_of_their_numbers(root, tmp_path):
    path = videos(root)[0]
    to_pictures(path, path.parent, path.parent, form="frame{:d}.jpg")
    data = check_prepared(root, tmp_path / "out")
    shown = content.pattern(0, 7, SECONDS, 25, (32, 43)).astype(float)
    example = {
        **record_examples.examples(data.records("train")),
        **record_examples.examples(data.records("test")),
    }[path.stem]
    frames = record_examples.picture(example).astype(float)
    colours = frames.mean((1, 2))  # the pattern moves: neighbours are alike, others are not
    assert np.corrcoef(colours[:, 0], shown.mean((1, 2))[:, 0])[0, 1] > 0.7


def test_pictures_at_another_rate(root, tmp_path):
    """Five pictures a second of sound: said; and taken by time where `fps` is asked for."""
    path = videos(root)[0]
    to_pictures(path, path.parent, path.parent)
    for number in range(1, 21):
        if number % 5:
            (path.parent / path.stem / f"image_{number:05d}.jpg").unlink()
    data = ucf51.prepare(root, tmp_path / "out", **OPTIONS, fps=10)
    notes = [item for items in data.notes.values() for item in items if item["id"] == path.stem]
    assert "5.0 pictures a second of sound" in [item["note"] for item in notes]
    lengths = {s["id"]: s["lengths"]["video"] for k in data.counts for s in data.samples(k)}
    assert lengths[path.stem] == 8


def test_pictures_are_judged_as_films_are(root):
    """Of one size, and of no more pixels than the limits allow."""
    path = videos(root)[0]
    to_pictures(path, path.parent, path.parent)
    listing = ucf51.read(root)
    row = next(r for rows in listing.splits.values() for r in rows if r["id"] == path.stem)
    decode = ucf51.UCF51(short_side=32).decode
    with limit(pixels=36 * 48 - 1), pytest.raises(MediaError, match="`pixels` of the limits"):
        decode(row, listing.root)
    assert len(decode(row, listing.root)["video"]) == 20
    larger = tf.io.encode_jpeg(np.zeros((48, 64, 3), np.uint8)).numpy()
    (path.parent / path.stem / "image_00007.jpg").write_bytes(larger)
    with pytest.raises(MediaError, match="image_00007.jpg.*changes its size: 48x36 and 64x48"):
        decode(row, listing.root)


def test_pictures_without_sound_are_named(root):
    path = videos(root)[0]
    to_pictures(path, path.parent)
    (problem,) = ucf51.read(root).problems
    assert problem["id"] == path.stem
    assert "no such file: a folder of pictures without a sound file" in problem["reason"]


def test_a_video_without_a_track_has_the_sound_beside_it(root, tmp_path):
    path = videos(root)[0]
    label = ucf51.CLASS_NAMES.index(path.parent.name)
    write_clip(path, content.pattern(label, 7, SECONDS, 25, (36, 48)), 25, video_codec="mpeg4")
    write_sound(path.with_suffix(".wav"), content.tone(label, 7, SECONDS, 44100), 44100)
    check_prepared(root, tmp_path / "out")


def move(root, how):
    """Makes another layout of the miniature's."""
    videos, lists = root / "UCF-101", root / "ucfTrainTestlist"
    if how == "mmaction2":
        videos.rename(root / "videos")
        lists.rename(root / "annotations")
    elif how == "one folder":
        for path in list(videos.rglob("*.avi")):
            path.rename(root / path.name)
        shutil.rmtree(videos)
    elif how == "twice":
        (root / "outer").mkdir()
        videos.rename(root / "outer" / "UCF-101")
        (root / "outer").rename(videos)
    elif how == "lists one level deeper":
        (root / "UCF101TrainTestSplits-RecognitionTask").mkdir()
        lists.rename(root / "UCF101TrainTestSplits-RecognitionTask" / "ucfTrainTestlist")
    elif how == "linked":
        videos.rename(root.parent / "elsewhere")
        (root / "UCF-101").symlink_to(root.parent / "elsewhere")
        (root.parent / "elsewhere" / "loop").symlink_to(root)
    return root


@pytest.mark.parametrize(
    "how", ["mmaction2", "one folder", "twice", "lists one level deeper", "linked"]
)
def test_other_folders(root, tmp_path, how):
    expected = labels(ucf51.read(root))
    listing = ucf51.read(move(root, how))
    assert labels(listing) == expected and not listing.problems
    assert all((listing.root / r["file"]).exists() for s in listing.splits.values() for r in s)
    assert ucf51.prepare(root, tmp_path / "out", **OPTIONS).counts == {"train": 2, "test": 2}


def test_lists_that_went_through_another_system(root):
    expected = labels(ucf51.read(root))
    for path in (root / "ucfTrainTestlist").iterdir():  # a byte order mark, other ends of lines
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    listing = ucf51.read(root)
    assert labels(listing) == expected and not listing.problems


def test_lists_beside_the_videos_one_level_deeper(root):
    expected = labels(ucf51.read(root))
    move(root, "lists one level deeper")
    assert labels(ucf51.read(root / "UCF-101")) == expected


def test_a_broken_file_does_not_hide_a_whole_one(root, tmp_path):
    path = videos(root)[0]
    copy = path.read_bytes()
    recode(path)
    path.write_bytes(copy[: len(copy) // 2])
    data = check_prepared(root, tmp_path / "out")
    (note,) = [item for items in data.notes.values() for item in items if item["id"] == path.stem]
    assert note["note"].endswith(f"; {path.stem}.mp4 is used instead")
    path.with_suffix(".mp4").write_bytes(b"")
    data = ucf51.prepare(root, tmp_path / "again", **OPTIONS)
    (left_out,) = [item for items in data.left_out.values() for item in items]
    assert left_out["id"] == path.stem and left_out["file"].endswith(".avi")
    assert "truncated" in left_out["reason"] and "zero bytes" in left_out["reason"]


def test_what_is_found_instead_is_said(root):
    path = videos(root)[0]
    path.rename(path.with_suffix(".npy"))
    (problem,) = ucf51.read(root).problems
    assert problem["reason"].endswith("there is no such file: .npy instead of a video")
    shutil.rmtree(root / "UCF-101")
    (root / "UCF101.rar").touch()
    with pytest.raises(ValueError, match="must hold UCF101 .*which holds UCF101.rar, ucfTrain"):
        ucf51.read(root)


def test_the_class_of_a_path_and_of_a_name_must_agree(root):
    path = root / "ucfTrainTestlist" / "testlist01.txt"
    text = path.read_text()
    path.write_text(text.replace("ApplyEyeMakeup/v_", "HandstandPushups/v_"))
    problems = {item["id"]: item["reason"] for item in ucf51.read(root).problems}
    assert problems["v_ApplyEyeMakeup_g01_c01"].startswith("class HandstandPushups in testlist01")


def test_listed_videos_are_counted_apart_from_the_papers(root, tmp_path):
    """The paper's total counts the listed videos, its training videos those with sound."""
    missing = videos(root)[0]
    missing.unlink()
    listing = ucf51.read(root)
    assert listing.listed == {"train": 2, "test": 2}
    data = ucf51.prepare(root, tmp_path / "out", **OPTIONS)
    lines = [line.split() for line in data.report().splitlines()]
    assert ["split", "samples", "listed", "paper"] in lines
    rows = {line[0]: line[1:] for line in lines if line and line[0] in ("train", "test", "total")}
    assert sum(int(rows[split][0]) for split in ("train", "test")) == 3
    assert [rows[split][1:] for split in ("train", "test", "total")] == [
        ["2", "4893"],
        ["2", "1944"],
        ["4", "6845"],
    ]
    report = " ".join(data.report().split())
    assert "Split 1 lists 4901 + 1944 = 6845 videos" in report
    assert "v_BasketballDunk_g15_c04 to c07" in report
