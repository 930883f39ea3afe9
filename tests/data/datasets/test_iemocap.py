import shutil

import numpy as np
import pytest
import record_examples

from keras_amid.data import Text, iemocap, write_clip
from keras_amid.data.datasets.miniatures import content
from keras_amid.data.datasets.miniatures import iemocap as miniature

pytestmark = pytest.mark.any_backend
EMOTIONS = {"ang": "angry", "hap": "happy", "exc": "happy", "neu": "neutral", "sad": "sad"}
SIDES = {"left": (200, 0, 0), "right": (0, 0, 200)}


def two_colours(path, seconds=20):
    """A dialogue whose left half is red and whose right half is blue, between black bars."""
    frames = np.zeros((seconds * 10, 120, 180, 3), np.uint8)
    frames[:, 28:92, :90], frames[:, 28:92, 90:] = SIDES["left"], SIDES["right"]
    write_clip(path, frames, 10, video_codec="mpeg4")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = miniature.write(tmp_path_factory.mktemp("iemocap"), utterances=5, seconds=0.5)
    for wearer in "FM":
        two_colours(folder / f"Session2/dialog/avi/DivX/Ses02{wearer}_impro01.avi")
    return folder


@pytest.fixture(scope="module")
def data(root, tmp_path_factory):
    return iemocap.prepare(root, tmp_path_factory.mktemp("records"), progress=False)


def evaluated(root):
    """Dict utterance -> emotion, of lines of the usual form."""
    found = {}
    for path in root.glob("Session*/dialog/EmoEvaluation/Ses*.txt"):
        for line in path.read_text().splitlines():
            fields = line.split("\t")
            if line.startswith("[") and len(fields) == 4:
                found[fields[1]] = fields[2]
    return found


def test_labels_in_the_records_are_those_of_the_evaluations(root, data):
    emotions = evaluated(root)
    unused = {f"Ses01F_impro01_F{n}" for n in (901, 902, 904, 905)} | {"Ses01F_impro02_F000"}
    wanted = {name for name, emotion in emotions.items() if emotion in EMOTIONS} - unused
    found = {}
    for session in range(1, 6):
        labels = record_examples.labels(data.records(f"session-{session}"))
        assert all(name.startswith(f"Ses0{session}") for name in labels)
        assert {s["group"] for s in data.samples(f"session-{session}")} == {f"session-{session}"}
        found.update(labels)
    assert set(found) == wanted and sum(data.counts.values()) == len(wanted)
    assert data.class_names == ("angry", "happy", "neutral", "sad")
    for name, label in found.items():
        assert data.class_names[label] == EMOTIONS[emotions[name]]


def test_sound_and_words_belong_to_the_label(data):
    words = {"Stop shouting.": 0, "What fun.": 1, "The form.": 2, "So lonely.": 3, "": 3}
    for feature in record_examples.examples(data.records("session-1")).values():
        label = feature["label"].int64_list.value[0]
        assert words[feature["text"].bytes_list.value[0].decode()] == label
        sound = record_examples.sound(feature)
        assert len(sound) == pytest.approx(8000, abs=32)
        assert record_examples.loudest(sound, 16000) == pytest.approx(content.pitch(label), abs=5)


def test_the_picture_is_of_who_speaks(root, data):
    """The wearer of the markers (the letter of the dialogue) is on the left."""
    seen = set()
    for name, feature in record_examples.examples(data.records("session-2")).items():
        frames = record_examples.picture(feature)
        assert frames.shape == (5, 64, 90, 3)
        wearer, speaker = name[5], name.split("_")[-1][0]
        side = "left" if wearer == speaker else "right"
        np.testing.assert_allclose(frames[:, 2:-2, 2:-2].mean((0, 1, 2)), SIDES[side], atol=12)
        seen.add((wearer, speaker))
    assert len(seen) == 4
    crops = {
        row["id"]: row["crop"][::2] for row in iemocap.read(root, "female").splits["session-2"]
    }
    assert all(
        crop == ([0, 0.5] if n.split("_")[-1][0] == "F" else [0.5, 1]) for n, crop in crops.items()
    )
    both = iemocap.read(root, "both").splits["session-2"]
    assert all(row["crop"][::2] == [0, 1] for row in both)
    assert {row["speaker"] for row in both} == {"Ses02F", "Ses02M"}


def test_segments_are_the_utterances(data):
    """An utterance's pattern begins an eighth of a second, two frames, before it does."""
    examples = record_examples.examples(data.records("session-3"))
    for number, name in enumerate(["Ses03F_impro01_F000", "Ses03F_impro01_M000"]):
        frames = record_examples.picture(examples[name]).astype(float)
        label = examples[name]["label"].int64_list.value[0]
        seed = [0, 3, ord("F"), number]
        shown = content.pattern(label, seed, 0.75, 15, (64, 90)).astype(float)
        errors = [np.abs(frames[0] - picture).mean() for picture in shown]
        assert abs(np.argmin(errors) - 2) <= 1 and min(errors) < 0.6 * np.median(errors)


@pytest.mark.parametrize("shown", [0.3, 0.5])
def test_sound_is_cut_to_what_is_shown(root, tmp_path, shown):
    """A film that ends in the middle of an utterance, whose .wav is whole."""
    folder = shutil.copytree(root, tmp_path / "iemocap")
    (row, *_) = iemocap.read(folder).splits["session-2"]
    start = row["segment"][0]
    frames = np.zeros((round((start + shown) * 50), 120, 180, 3), np.uint8)
    write_clip(folder / row["file"], frames, 50, video_codec="mpeg4")
    values = iemocap.IEMOCAP(fps=None).decode(row, folder)
    short = [note for note in values["notes"] if "runs past the end" in note]
    assert len(values["audio"]) == pytest.approx(shown * 16000, abs=400) and values["text"]
    assert bool(short) == (shown < 0.5)


def test_awkward_cases_are_counted_and_named(data):
    dialogue = "Ses01F_impro01"
    reasons = [(item["id"], item["reason"].split(":")[0]) for item in data.problems]
    assert sorted(reason for _, reason in reasons) == [
        "does not parse",
        "ends before it starts",
        "no such file",
        "no such file",
        "unknown emotion 'joy'",
    ]
    named = {name: item["reason"] for item in data.problems for name in [item["id"]]}
    assert named[f"{dialogue}_F902"].endswith(f"{dialogue}_F902.wav")
    assert named["Ses01F_impro02_F000"].endswith("Ses01F_impro02.avi")
    assert sum("F904" in item["reason"] or "F905" in item["reason"] for item in data.problems) == 2
    assert all(
        name.startswith(dialogue + ".txt:") for name, reason in reasons if "file" not in reason
    )
    assert [(x["id"], x["reason"]) for x in data.left_out["session-1"]] == [
        (f"{dialogue}_F901", "empty file (zero bytes)")
    ]
    assert {(x["id"], x["note"]) for x in data.notes["session-1"]} == {
        (f"{dialogue}_F900", "sound at 22050 Hz"),
        (f"{dialogue}_F903", "no transcription"),
    }
    assert all(not data.notes[f"session-{n}"] for n in range(2, 6))
    assert "5531" in data.report()


def test_folds_leave_one_session_out(data):
    assert data.fold(2) == (["session-1", "session-3", "session-4", "session-5"], "session-2")
    with pytest.raises(ValueError, match="`session`.*; received 6"):
        data.fold(6)
    train, test = data.fold(5)
    x, y = next(iter(data.pipeline(train, 4, {"text": Text()}).as_numpy_iterator()))
    assert len(y) == 4 and test == "session-5"


def test_the_folder_above_will_do(root, tmp_path):
    (tmp_path / "IEMOCAP_full_release").symlink_to(root)
    assert iemocap.read(tmp_path).splits == iemocap.read(root).splits


def test_what_is_missing_is_said(root, tmp_path):
    """Which parts of a session must be there is tested in test_iemocap_layouts.py."""
    (tmp_path / "copy").mkdir()
    for folder in (tmp_path / "copy", tmp_path / "nowhere"):
        with pytest.raises(ValueError, match=r"must hold IEMOCAP .looked for [^,]*Session1, .*/Se"):
            iemocap.prepare(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="`side` must be one of"):
        iemocap.read(root, side="left")


def test_other_forms_of_lines(root, tmp_path):
    shutil.copytree(root, tmp_path / "copy")
    path = tmp_path / "copy/Session5/dialog/EmoEvaluation/Ses05M_impro01.txt"
    name, other = "Ses05M_impro01_F000", "Ses05F_impro01_F001"
    path.write_text(
        f"% header\n[0.25 - 0.75] {name} ang [2, 2, 2]\n[1 - 2]\t{name}\tsad\t[1, 1, 1]\n"
        f"[1.0 - 2.0]\t{other}\tsad\t[1, 1, 1]\nC-E1:\tAnger;\t()\n"
    )
    listing = iemocap.read(tmp_path / "copy")
    rows = [row for row in listing.splits["session-5"] if row["id"].startswith("Ses05M")]
    assert [(row["id"], row["label"], row["segment"]) for row in rows] == [(name, 0, [0.25, 0.75])]
    problems = {item["id"]: item["reason"] for item in listing.problems}
    assert problems[name] == "evaluated again in Ses05M_impro01.txt:3"
    assert problems["Ses05M_impro01.txt:4"].startswith("no utterance of this dialogue")
