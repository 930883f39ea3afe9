import json

import numpy as np
import pytest

from keras_amid.data import MediaError, batches, read_index, write_records


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


def read_all(folder, modalities=("video", "audio", "text")):
    found = list(batches(folder, 100, modalities, text="bytes").as_numpy_iterator())
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


def test_result_does_not_depend_on_the_number_of_workers(tmp_path):
    for workers in (1, 5):
        write(rows(11), tmp_path / str(workers), workers=workers)
    shards = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert len(shards) == 4
    for name in shards:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "5" / name).read_bytes()


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
        batches(tmp_path / "a", 2)
    asked.clear()
    resumed = write(rows(10), tmp_path / "a", lambda row: asked.append(row["id"]) or sometimes(row))
    assert sorted(asked) == [f"clip-{i}" for i in range(4, 10)]
    assert resumed == write(rows(10), tmp_path / "b", sometimes)
    for shard in resumed["shards"]:
        name = shard["file"]
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_shard_that_the_index_does_not_name_is_written_again(tmp_path):
    write(rows(10), tmp_path / "good")
    (tmp_path / "half").mkdir()
    whole = (tmp_path / "good" / "shard-00000.tfrecord").read_bytes()
    (tmp_path / "half" / "shard-00000.tfrecord").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "half" / ".part-shard-00001.tfrecord").write_bytes(whole[:10])
    write(rows(10), tmp_path / "half")
    assert (tmp_path / "half" / "shard-00000.tfrecord").read_bytes() == whole
    assert not list((tmp_path / "half").glob(".part-*"))


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
        ({"samples": [{"id": "a", "label": -1}]}, "integer `label`s.*-1"),
        ({"video": "gif"}, "`video`.*'gif'"),
        ({"audio": "mp3"}, "`audio`.*'mp3'"),
        ({"workers": 0}, "`workers`.*0"),
        ({"shard_size": 0}, "`shard_size`.*0"),
        ({"read": lambda row: {"video": np.zeros((2, 3))}}, r"`read`.*video.*float64.*\(2, 3\)"),
        ({"read": lambda row: {"smell": 1}}, "`read`.*'smell'"),
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


def test_index_is_plain_json(tmp_path):
    index = write(rows(3), tmp_path)
    assert json.loads((tmp_path / "index.json").read_text()) == index == read_index(tmp_path)
    with pytest.raises(ValueError, match="no records"):
        read_index(tmp_path / "elsewhere")
