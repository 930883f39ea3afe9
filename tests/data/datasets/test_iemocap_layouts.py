"""IEMOCAP as laboratories keep it: a folder deeper, recoded, in part, without its videos."""

import shutil

import pytest
import record_examples

from keras_amid.data import iemocap, read_clip, read_sound, write_clip, write_sound
from keras_amid.data.datasets.miniatures import content
from keras_amid.data.datasets.miniatures import iemocap as miniature

pytestmark = pytest.mark.any_backend
OPTIONS = {"short_side": 16, "progress": False}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("iemocap")
    return miniature.write(folder, utterances=2, seconds=0.5, size=(60, 90), awkward=False)


@pytest.fixture
def root(written, tmp_path):
    return shutil.copytree(written, tmp_path / "root")


def labels(listing):
    return {row["id"]: row["label"] for rows in listing.splits.values() for row in rows}


@pytest.mark.parametrize("above", ["IEMOCAP", "IEMOCAP_full_release", "corpora/iemocap"])
def test_the_sessions_lie_deeper(root, tmp_path, above):
    (tmp_path / "outer" / above).parent.mkdir(parents=True)
    expected = iemocap.read(root).splits
    root.rename(tmp_path / "outer" / above)
    assert iemocap.read(tmp_path / "outer").splits == expected


def test_recoded_videos_and_sounds(root, tmp_path):
    expected = labels(iemocap.read(root))
    for path in root.glob("Session*/dialog/avi/DivX/*.avi"):
        clip = read_clip(path, channels=3)
        target = path.parents[2] / "mp4" / path.with_suffix(".mp4").name
        write_clip(target, clip.frames, clip.fps, video_codec="mpeg4")
        path.unlink()
    for path in (root / "Session2" / "sentences").rglob("*.wav"):
        write_sound(path.with_suffix(".flac"), read_sound(path, 16000), 16000)
        path.unlink()
    listing = iemocap.read(root)
    assert labels(listing) == expected and not listing.problems
    data = iemocap.prepare(root, tmp_path / "out", **OPTIONS)
    assert sum(data.counts.values()) == len(expected) and not any(data.left_out.values())
    for feature in record_examples.examples(data.records("session-2")).values():
        label = feature["label"].int64_list.value[0]
        heard = record_examples.loudest(record_examples.sound(feature), 16000)
        assert heard == pytest.approx(content.pitch(label), abs=5)
        assert record_examples.picture(feature).shape == (5, 16, 22, 3)


def test_a_broken_dialogue_does_not_hide_a_whole_one(root, tmp_path):
    path = root / "Session3/dialog/avi/DivX/Ses03F_impro01.avi"
    path.with_suffix(".mp4").write_bytes(path.read_bytes())
    path.write_bytes(b"")
    data = iemocap.prepare(root, tmp_path / "out", **OPTIONS)
    assert not any(data.left_out.values())
    notes = {item["note"] for item in data.notes["session-3"]}
    assert "empty file (zero bytes); Ses03F_impro01.mp4 is used instead" in notes


def test_fewer_sessions(root, tmp_path):
    expected = iemocap.read(root).splits
    shutil.rmtree(root / "Session2")
    shutil.rmtree(root / "Session5")
    listing = iemocap.read(root)
    assert listing.splits == {k: expected[k] for k in ("session-1", "session-3", "session-4")}
    assert listing.problems == [
        {"id": "Session2", "reason": "no such folder"},
        {"id": "Session5", "reason": "no such folder"},
    ]
    data = iemocap.prepare(root, tmp_path / "out", **OPTIONS)
    assert data.fold(3) == (["session-1", "session-4"], "session-3")
    with pytest.raises(ValueError, match="`session`.*received 2"):
        data.fold(2)


def test_a_release_without_videos(root, tmp_path):
    expected = labels(iemocap.read(root))
    for path in root.glob("Session*/dialog/avi"):
        shutil.rmtree(path)
    listing = iemocap.read(root)
    assert labels(listing) == expected
    assert listing.problems == [
        {"id": "IEMOCAP", "reason": "no dialogue has a video: only sound and words are kept"}
    ]
    data = iemocap.prepare(root, tmp_path / "out", **OPTIONS)
    assert sum(data.counts.values()) == len(expected)
    x, _ = next(iter(data.pipeline("session-1", 1, ("audio",)).as_numpy_iterator()))
    assert x["audio"].shape == (1, 8000)
    with pytest.raises(ValueError, match="video"):
        data.pipeline("session-1", 1, ("video",))


def test_a_session_without_videos_where_others_have_some_is_refused(root):
    shutil.rmtree(root / "Session2/dialog/avi")
    with pytest.raises(ValueError, match="must hold complete .*looked for [^,]*Session2/dialog/av"):
        iemocap.read(root)


@pytest.mark.parametrize(
    "absent", ["dialog/EmoEvaluation", "dialog/transcriptions", "sentences/wav"]
)
def test_a_session_without_what_is_needed_is_refused(root, absent):
    shutil.rmtree(root / "Session4" / absent)
    with pytest.raises(ValueError, match=f"must hold complete .*looked for [^,]*Session4/{absent}"):
        iemocap.read(root)
