import numpy as np
import pytest

from keras_amid.data import EpochShuffle, Vocabulary, batches, write_records

CAPTIONS = ["A pebble dropped", "a cork", "zebra cork", "", "a a a a a"]
WORDS = Vocabulary(("a", "cork", "dropped", "pebble"), 3)


def make(folder, count=10, start=0, read=None, **options):
    def values(row):
        number = int(row["id"])
        return {
            "video": np.full((2, 4, 4, 1), number, np.uint8),
            "audio": np.full(6, number / 100, "float32"),
            "text": CAPTIONS[number % len(CAPTIONS)],
        }

    samples = [{"id": str(i), "label": i} for i in range(start, start + count)]
    options = {"shard_size": 4, "audio": "float32", "progress": False, **options}
    write_records(samples, folder, read or values, **options)
    return folder


def labels(dataset):
    return np.concatenate([y for _, y in dataset.as_numpy_iterator()]).tolist()


def test_yields_the_asked_modalities_alone(tmp_path):
    make(tmp_path)
    for modalities in (("video",), ("audio",), ("audio", "video"), ("video", "text")):
        dataset = batches(tmp_path, 4, modalities, vocabulary=WORDS)
        found = list(dataset.as_numpy_iterator())
        assert len(found) == int(dataset.cardinality()) == 3
        assert [len(y) for _, y in found] == [4, 4, 2]
        for x, y in found:
            assert set(x) == set(modalities)
            if "video" in x:
                assert x["video"].dtype == np.uint8 and x["video"].shape == (len(y), 2, 4, 4, 1)
                np.testing.assert_array_equal(x["video"][:, 0, 0, 0, 0], y)
            if "audio" in x:
                assert x["audio"].dtype == np.float32 and x["audio"].shape == (len(y), 6)
                np.testing.assert_allclose(x["audio"][:, 0], y / 100)
    shape = batches(tmp_path, 4, ("video",)).element_spec[0]["video"].shape
    assert shape.as_list() == [None, 2, 4, 4, 1]


def test_text_as_tokens_and_as_bytes(tmp_path):
    make(tmp_path, 5)
    (x, _) = next(batches(tmp_path, 5, ("text",), vocabulary=WORDS).as_numpy_iterator())
    assert x["text"].dtype == np.int32
    assert x["text"].tolist() == [[2, 5, 4], [2, 3, 0], [1, 3, 0], [0, 0, 0], [2, 2, 2]]
    (x, _) = next(batches(tmp_path, 5, ("text",), text="bytes").as_numpy_iterator())
    assert [text.decode() for text in x["text"]] == CAPTIONS


def test_vocabulary_of_texts():
    words = Vocabulary.of(["The cork", "a PEBBLE  dropped", "the pebble"])
    assert words.words == ("a", "cork", "dropped", "pebble", "the")
    assert words.length == 3 and words.size == 7
    with pytest.raises(ValueError, match="`words`.*different"):
        Vocabulary(("a", "a"), 2)
    with pytest.raises(ValueError, match="`length`.*0"):
        Vocabulary(("a",), 0)


def test_last_batch_may_be_left_out(tmp_path):
    dataset = batches(make(tmp_path), 4, ("video",), drop_remainder=True)
    assert labels(dataset) == list(range(8)) and int(dataset.cardinality()) == 2


def test_several_folders_are_read_one_after_the_other(tmp_path):
    folders = [make(tmp_path / "a", 5), make(tmp_path / "b", 3, start=5)]
    assert labels(batches(folders, 4, ("audio",))) == list(range(8))


@pytest.mark.parametrize("shuffled", [False, True])
def test_every_kind_of_cache_yields_the_same(tmp_path, shuffled):
    make(tmp_path / "records")
    found = []
    for cache in (True, False, tmp_path / "cache", tmp_path / "cache"):
        shuffle = EpochShuffle(3) if shuffled else None
        dataset = batches(tmp_path / "records", 4, ("video", "audio"), shuffle=shuffle, cache=cache)
        next(iter(dataset))  # a reader that stops early must not spoil the cache
        found.append([labels(dataset) for _ in range(3)])
    assert found[0] == found[1] == found[2] == found[3]
    assert all(sorted(epoch) == list(range(10)) for epoch in found[0])


def test_memory_cache_decodes_once(tmp_path):
    dataset = batches(make(tmp_path / "a"), 4, ("audio",), shuffle=EpochShuffle(0))
    first = labels(dataset)
    for shard in (tmp_path / "a").glob("*.tfrecord"):
        shard.unlink()
    assert sorted(labels(dataset)) == sorted(first) == list(range(10))


def test_file_cache_is_made_once_and_only_for_the_same_request(tmp_path):
    make(tmp_path / "a")
    cache = tmp_path / "cache"
    batches(tmp_path / "a", 4, ("audio",), cache=str(cache))
    batches(tmp_path / "a", 2, ("audio",), cache=str(cache))
    assert len(list(cache.iterdir())) == 1
    batches(tmp_path / "a", 4, ("video",), cache=cache)
    assert len(list(cache.iterdir())) == 2
    for shard in (tmp_path / "a").glob("*.tfrecord"):
        shard.unlink()
    assert labels(batches(tmp_path / "a", 4, ("audio",), cache=cache)) == list(range(10))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "`batch_size`.*0"),
        ({"modalities": ()}, "`modalities`"),
        ({"modalities": "video"}, "`modalities`.*'video'"),
        ({"modalities": ("video", "depth")}, "`modalities`.*'audio', 'text', 'video'.*'depth'"),
        ({"modalities": ("text",)}, "`vocabulary`.*None"),
        ({"modalities": ("text",), "text": "words"}, "`text`.*'words'"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, options, message):
    make(tmp_path, 2)
    with pytest.raises(ValueError, match=message):
        batches(tmp_path, **{"batch_size": 2, **options})


def test_samples_of_different_shapes_are_refused(tmp_path):
    make(tmp_path / "a", 4, read=lambda row: {"audio": np.zeros(5 + int(row["id"]), "f4")})
    with pytest.raises(ValueError, match=r"one shape.*audio.*\[None\]"):
        batches(tmp_path / "a", 2, ("audio",))
    folders = [make(tmp_path / "b"), make(tmp_path / "c", audio="pcm16")]
    with pytest.raises(ValueError, match="one shape and encoding.*audio.*pcm16"):
        batches(folders, 2, ("audio",))


def test_empty_records_are_refused(tmp_path):
    from keras_amid.data import MediaError

    def read(row):
        raise MediaError(row["id"], "gone")

    make(tmp_path, 2, read=read)
    with pytest.raises(ValueError, match="hold no samples"):
        batches(tmp_path, 2)
