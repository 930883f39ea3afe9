"""ActivityNet as laboratories keep it: links, other names, several disks, tiny segments."""

import json

import pytest
import record_examples

import keras_amid.data.prepare as command
from keras_amid.data import activitynet
from keras_amid.data.datasets.finding import walk
from keras_amid.data.datasets.listing import Problems
from keras_amid.data.datasets.miniatures import activitynet as miniature
from keras_amid.data.datasets.miniatures import content

pytestmark = pytest.mark.any_backend
NAME = "activity_net.v1-3.min.json"
OPTIONS = {"sample_rate": 16000, "short_side": 24, "progress": False}


@pytest.fixture
def root(tmp_path):
    return miniature.write(
        tmp_path / "root", classes=2, videos=2, seconds=1.0, size=(24, 32), awkward=False
    )


def labels(listing):
    return {row["id"]: row["label"] for rows in listing.splits.values() for row in rows}


def files(root):
    return sorted((root / "videos").iterdir())


def problems(listing):
    """What is found wrong, but for the number of classes."""
    return {item["id"]: item["reason"] for item in listing.problems if item["id"] != NAME}


def check_prepared(root, out, **options):
    data = activitynet.prepare(root, out, **OPTIONS, **options)
    assert data.counts == {"train": 2, "validation": 2}
    assert not any(data.left_out.values())
    for split in data.counts:
        for feature in record_examples.examples(data.records(split)).values():
            label = feature["label"].int64_list.value[0]
            heard = record_examples.loudest(record_examples.sound(feature), 16000)
            assert heard == pytest.approx(content.pitch(label), abs=5)
    return data


def test_links_are_followed_and_no_folder_twice(root, tmp_path):
    expected = labels(activitynet.read(root))
    (root / "videos").rename(tmp_path / "disk")
    (root / "linked").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "loop").symlink_to(root)
    listing = activitynet.read(root)
    assert labels(listing) == expected and not problems(listing)
    check_prepared(root, tmp_path / "out")


def test_names_with_and_without_v(root, tmp_path):
    expected = labels(activitynet.read(root))
    for path in files(root)[::2]:
        path.rename(path.with_name(path.name.removeprefix("v_")))
    path = files(root)[-1]
    path.rename(f"{path}.mkv")  # as youtube-dl names what it has merged
    annotations = (root / NAME).read_bytes()
    (root / NAME).write_bytes(b"\xef\xbb\xbf" + annotations)  # a byte order mark
    listing = activitynet.read(root)
    assert labels(listing) == expected and not problems(listing)
    check_prepared(root, tmp_path / "out")


def test_ids_that_begin_with_v_themselves(root):
    """The ids are YouTube's: `v_c00video00` is one, too."""
    path = root / NAME
    path.write_text(path.read_text().replace("c00video0000", "v_c00video0000"))
    (root / "videos" / "v_c00video0000.mp4").rename(root / "videos" / "v_v_c00video0000.mp4")
    assert "v_c00video0000" in labels(activitynet.read(root))
    (root / "videos" / "v_v_c00video0000.mp4").rename(root / "videos" / "v_c00video0000.mp4")
    assert "v_c00video0000" in labels(activitynet.read(root))


def test_a_broken_file_does_not_hide_a_whole_one(root, tmp_path):
    path = files(root)[0]
    path.with_suffix(".mkv").write_bytes(path.read_bytes())
    path.write_bytes(path.read_bytes()[:900])
    data = check_prepared(root, tmp_path / "out")
    (note,) = [item for items in data.notes.values() for item in items if "instead" in item["note"]]
    assert note["id"] == path.stem[2:] and note["note"].endswith(f"{path.stem}.mkv is used instead")


@pytest.mark.parametrize("folder", ["json", "annotations/1.3"])
def test_annotations_in_a_folder_of_their_own(root, folder):
    expected = activitynet.read(root)
    (root / folder).mkdir(parents=True)
    (root / NAME).rename(root / folder / NAME)
    assert activitynet.read(root) == expected


def test_annotations_somewhere_else(root, tmp_path, capsys):
    expected = activitynet.read(root)
    elsewhere = tmp_path / "elsewhere.json"
    (root / NAME).rename(elsewhere)
    (root / "anet_train.json").write_text("{}")
    with pytest.raises(ValueError, match=f"looked for .*{NAME}, or.*there is .*anet_train.json"):
        activitynet.read(root)
    assert activitynet.read(root, annotations=elsewhere) == expected
    with pytest.raises(ValueError, match="`annotations` must be a file; received 'nowhere.json'"):
        activitynet.read(root, annotations="nowhere.json")
    arguments = ["activitynet", f"--root={root}", f"--out={tmp_path / 'out'}", "--quiet"]
    arguments += ["--sample-rate=16000", "--short-side=24"]
    assert command.main([*arguments, f"--annotations={elsewhere}"]) == 0
    assert "4" in capsys.readouterr().out
    # They are not a setting: the same data may be completed with the file in another place.
    elsewhere.rename(root / NAME)
    assert command.main(arguments) == 0


def test_several_folders(root, tmp_path, capsys):
    expected = labels(activitynet.read(root))
    other = tmp_path / "other" / "disk"
    other.mkdir(parents=True)
    for path in files(root)[1:3]:
        path.rename(other / path.name)
    roots = [root, tmp_path / "other"]
    listing = activitynet.read(roots)
    assert labels(listing) == expected and not problems(listing)
    assert labels(activitynet.read(roots[::-1])) == expected
    check_prepared(roots, tmp_path / "out")
    arguments = ["activitynet", "--root", *map(str, roots), f"--out={tmp_path / 'out'}", "--quiet"]
    assert command.main([*arguments, "--sample-rate=16000", "--short-side=24"]) == 0
    assert "train 2" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(ValueError, match="nowhere, which is no folder"):
        activitynet.read([root, tmp_path / "nowhere"])


def annotate(root, segments):
    """Sets the segments of the first videos, by number."""
    content = json.loads((root / NAME).read_text())
    for name, some in zip(sorted(content["database"]), segments, strict=False):
        label = content["database"][name]["annotations"][0]["label"]
        annotations = [{"segment": segment, "label": label} for segment in some]
        content["database"][name]["annotations"] = annotations
    (root / NAME).write_text(json.dumps(content))


def test_videos_of_tiny_segments_are_used_whole(root, tmp_path):
    """Some fifty of the official videos have only such; two seconds are there, one is annotated."""
    annotate(root, [[[0.7, 0.7]], [[0, 0]], [[0.5, 0.55], [1.0, 1.0]], [[0.5, 0.5], [0.5, 1.5]]])
    rows = {r["id"]: r for rows in activitynet.read(root).splits.values() for r in rows}
    names = sorted(rows)
    assert len(names) == 4 and all("segments" not in rows[name] for name in names[:3])
    assert rows[names[3]]["segments"] == [[0.5, 1.5]]
    assert rows[names[3]]["notes"] == ["segment [0.5, 0.5] is not used"]
    data = check_prepared(root, tmp_path / "out")
    lengths = {s["id"]: s["lengths"]["video"] for k in data.counts for s in data.samples(k)}
    assert all(lengths[name] >= 16 for name in names[:3]) and lengths[names[3]] == 8
    notes = [(x["id"], x["note"]) for items in data.notes.values() for x in items]
    for name in names[:3]:
        assert (name, "only segments shorter than 0.1 s: the whole video is used") in notes


def test_what_is_found_instead_is_said(root):
    paths = files(root)
    paths[0].rename(paths[0].with_suffix(".mp4.part"))
    paths[1].rename(paths[1].with_suffix(".npy"))
    paths[2].unlink()
    paths[2].with_suffix("").mkdir()
    (paths[2].with_suffix("") / "img_00001.jpg").touch()
    found = problems(activitynet.read(root))
    assert found == {
        paths[0].stem[2:]: "no such file: .mp4.part instead of a video",
        paths[1].stem[2:]: "no such file: .npy instead of a video",
        paths[2].stem[2:]: "no such file: a folder of pictures without a sound file instead of a "
        "video",
    }


def test_folders_that_cannot_be_read_are_named(root):
    (root / "gone").mkdir()
    found = Problems()
    for folder, folders, _ in walk(root, found):
        if folder == root:
            assert folders == ["gone", "videos"]
            (root / "gone").rmdir()
    (problem,) = found.found
    assert problem == {
        "id": str(root / "gone"),
        "reason": "cannot be read (No such file or directory)",
    }
