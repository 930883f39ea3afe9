import json

import numpy as np
import pytest

from keras_amid.data import MediaError, Text, batches, read_index, read_samples, write_records

pytestmark = pytest.mark.any_backend


def rows(count):
    return [{"id": f"clip-{i}", "label": i % 3, "caption": f"word{i} said"} for i in range(count)]


def values(row, seed=0):
    number = int(row["id"].split("-")[1])
    rng = np.random.default_rng([seed, number])
    return {
        "video": rng.integers(0, 256, (3, 8, 10, 1), dtype=np.uint8),
        "audio": rng.uniform(-1, 1, 50).astype("float32"),
        "text": row["caption"],
    }


def write(samples, folder, read=values, **options):
    return write_records(samples, folder, read, **{"progress": False, "shard_size": 4, **options})


def everything():
    """Made when it is used: `Text` is refused on JAX and PyTorch, which import this file too."""
    return {"video": None, "audio": None, "text": Text()}


def read_all(folder, modalities=None):
    modalities = everything() if modalities is None else modalities
    found = list(batches(folder, 100, modalities).as_numpy_iterator())
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("video", "audio", "error"), [("png", "pcm16", 1 / 32768), ("raw", "float32", 0.0)]
)
def test_what_is_written_is_read_back(tmp_path, video, audio, error):
    samples = rows(10)
    index = write(samples, tmp_path, video=video, audio=audio)
    assert index["count"] == 10 and index["left_out"] == []
    assert [shard["count"] for shard in index["shards"]] == [4, 4, 2]
    assert index["modalities"]["video"] == {"encoding": video, "shape": [3, 8, 10, 1]}
    assert index["modalities"]["audio"] == {"encoding": audio, "shape": [50]}
    x, y = read_all(tmp_path)
    expected = [values(row) for row in samples]
    np.testing.assert_array_equal(x["video"], [v["video"] for v in expected])
    np.testing.assert_allclose(x["audio"], [v["audio"] for v in expected], rtol=0, atol=error)
    assert [text.decode() for text in x["text"]] == [row["caption"] for row in samples]
    np.testing.assert_array_equal(y, [row["label"] for row in samples])
    assert x["video"].dtype == np.uint8 and x["audio"].dtype == np.float32 and y.dtype == np.int32


def test_jpeg_keeps_colour_clips_nearly(tmp_path):
    ramp = np.linspace(0, 255, 16, dtype=np.uint8)
    clip = np.stack([np.broadcast_to(ramp[:, None, None], (16, 16, 3))] * 2)
    write(rows(2), tmp_path, lambda row: {"video": clip}, video="jpeg")
    x, _ = read_all(tmp_path, ("video",))
    assert x["video"].shape == (2, 2, 16, 16, 3)
    assert 0 < np.abs(x["video"].astype(int) - clip).max() < 16


def test_arrays_of_any_name_and_size(tmp_path):
    def read(row):
        number = row["label"]
        return {
            "face": np.arange(6 * (number + 1)).reshape(-1, 2, 3).astype("int16"),
            "age": 30.5 + number,
            "audio": np.linspace(-1, 1, 5 + number),
            "video": np.full((2 + number, 4, 6 + number, 3), number, np.uint8),
        }

    index = write(rows(3), tmp_path, read, video="jpeg", audio="float32")
    shapes = {name: form["shape"] for name, form in index["modalities"].items()}
    assert shapes == {
        "face": [None, 2, 3], "age": [], "audio": [None], "video": [None, 4, None, 3],
    }  # fmt: skip
    assert index["modalities"]["face"]["encoding"] == "float32"
    names = ("face", "age", "audio", "video")
    for number, (x, y) in enumerate(batches(tmp_path, 1, names).as_numpy_iterator()):
        expected = read({"label": number})
        assert int(y[0]) == number
        for name in names:
            error = 1 if name == "video" else 1e-6
            np.testing.assert_allclose(x[name][0].astype(float), expected[name], atol=error)
        assert x["face"].dtype == np.float32 and x["video"].dtype == np.uint8


def test_samples_are_listed(tmp_path):
    samples = [{**row, "group": f"session {i % 2}"} for i, row in enumerate(rows(6))]
    index = write(samples, tmp_path, sometimes)
    listed = read_samples(tmp_path)
    assert [s["id"] for s in listed] == ["clip-0", "clip-1", "clip-3", "clip-4", "clip-5"]
    assert [s["label"] for s in listed] == [0, 1, 0, 1, 2]
    assert [s["group"] for s in listed] == [f"session {i % 2}" for i in (0, 1, 3, 4, 5)]
    assert listed[0]["lengths"] == {"video": 3, "audio": 50}
    assert index == read_index(tmp_path)


def test_notes_are_kept_and_named(tmp_path, capsys):
    def read(row):
        return {**values(row), "notes": ["odd size"] if row["id"] == "clip-1" else []}

    samples = [{**row, "file": f"{row['id']}.avi"} for row in rows(3)]
    index = write(samples, tmp_path, read)
    assert index["notes"] == [{"id": "clip-1", "file": "clip-1.avi", "note": "odd size"}]
    assert set(index["modalities"]) == {"video", "audio", "text"} and index["count"] == 3
    printed = capsys.readouterr().out
    assert "0 of 3 samples left out" in printed and "clip-1: odd size" in printed


def sometimes(row):
    if row["id"] in ("clip-2", "clip-8"):
        raise MediaError(f"media/{row['id']}.mkv", "no sound")
    return values(row)


def test_unusable_samples_are_counted_named_and_left_out(tmp_path, capsys):
    index = write(rows(10), tmp_path, sometimes)
    assert index["count"] == 8
    assert index["left_out"] == [
        {"id": "clip-2", "file": "media/clip-2.mkv", "reason": "no sound"},
        {"id": "clip-8", "file": "media/clip-8.mkv", "reason": "no sound"},
    ]
    printed = capsys.readouterr().out
    assert "2 of 10" in printed and "clip-2: no sound" in printed and "clip-8" in printed
    x, y = read_all(tmp_path)
    np.testing.assert_array_equal(y, [0, 1, 0, 1, 2, 0, 1, 0])


def test_whole_shards_are_not_written_again_after_a_crash(tmp_path):
    asked = []

    def crashing(row):
        asked.append(row["id"])
        if row["id"] == "clip-6":
            raise RuntimeError("power cut")
        return sometimes(row)

    with pytest.raises(RuntimeError, match="power cut"):
        write(rows(10), tmp_path / "a", crashing, workers=1)
    with pytest.raises(ValueError, match="not complete"):
        read_index(tmp_path / "a")
    with pytest.raises(ValueError, match="not complete"):
        batches(tmp_path / "a", 2, ("video", "audio"))
    asked.clear()
    resumed = write(rows(10), tmp_path / "a", lambda row: asked.append(row["id"]) or sometimes(row))
    assert sorted(asked) == [f"clip-{i}" for i in range(4, 10)]
    assert resumed == write(rows(10), tmp_path / "b", sometimes)
    for shard in resumed["shards"]:
        name = shard["file"]
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_complete_records_are_not_read_again(tmp_path):
    first = write(rows(5), tmp_path)
    assert write(rows(5), tmp_path, read=None) == first


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"shard_size": 5}, "`shard_size`: 4 there, 5 asked for"),
        ({"video": "raw"}, "`video`: 'png' there, 'raw' asked for"),
        ({"audio": "float32"}, "`audio`"),
        ({"settings": {"sample_rate": 8000}}, "`sample_rate`: 16000 there, 8000 asked for"),
        ({"samples": rows(4)}, "`samples`: '5 rows"),
        ({"samples": [{**row, "label": 0} for row in rows(5)]}, "`samples`"),
    ],
)
def test_records_of_other_settings_are_refused(tmp_path, change, name):
    arguments = {"samples": rows(5), "settings": {"sample_rate": 16000, "size": (8, 10)}}
    write(folder=tmp_path, **arguments)
    write(folder=tmp_path, **arguments)
    before = (tmp_path / "index.json").read_text()
    with pytest.raises(ValueError, match="other settings") as caught:
        write(folder=tmp_path, **{**arguments, **change})
    assert name in str(caught.value)
    assert (tmp_path / "index.json").read_text() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": []}, "`samples` must not be empty"),
        ({"samples": [{"id": "a", "label": 0}] * 2}, "unique `id`s.*'a'"),
        ({"samples": [{"id": "a", "label": 0.5}]}, "integer `label`s.*0.5"),
        ({"samples": [{"id": "a", "label": -2}]}, "integer `label`s >= -1.*-2"),
        ({"video": "gif"}, "`video`.*'gif'"),
        ({"audio": "mp3"}, "`audio`.*'mp3'"),
        ({"workers": 0}, "`workers`.*0"),
        ({"shard_size": 0}, "`shard_size`.*0"),
        ({"read": lambda row: {"video": np.zeros((2, 3))}}, r"`read`.*video.*float64.*\(2, 3\)"),
        ({"read": lambda row: {"smell": "roses"}}, "`read`.*smell.*numeric"),
        ({"read": lambda row: {"smell": np.zeros((0, 3))}}, "`read`.*smell.*not empty"),
        ({"read": lambda row: {"label": 1.0}}, "`read`.*'label'"),
        ({"read": lambda row: {"audio": np.zeros((2, 3))}}, r"`read`.*audio.*\(2, 3\)"),
        ({"part": (2, 2)}, r"`part`.*\(2, 2\)"),
        ({"part": 1}, "`part`.*received 1"),
        ({"samples": [{"id": "a", "label": 0, "group": 3}]}, "`group`s.*3 for 'a'"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        write(**{"samples": rows(3), "folder": tmp_path, **change})


def test_samples_must_agree_on_their_modalities(tmp_path):
    def read(row):
        return {k: v for k, v in values(row).items() if k != "audio" or row["id"] != "clip-3"}

    with pytest.raises(ValueError, match="same modalities.*'clip-3'"):
        write(rows(5), tmp_path, read)


def test_samples_must_agree_on_the_number_of_dimensions(tmp_path):
    with pytest.raises(ValueError, match=r"same number of dimensions.*\[3, 1\] for 'clip-1'"):
        write(rows(2), tmp_path, lambda row: {"face": np.ones((3, 1)[: row["label"] + 1])})


def test_index_is_plain_json(tmp_path):
    index = write(rows(3), tmp_path)
    assert json.loads((tmp_path / "index.json").read_text()) == index == read_index(tmp_path)
    with pytest.raises(ValueError, match="no records"):
        read_index(tmp_path / "elsewhere")
