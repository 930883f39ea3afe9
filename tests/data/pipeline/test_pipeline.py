import numpy as np
import pytest

from keras_amid.data import (
    Array,
    EpochShuffle,
    MaskSpectrogram,
    RandomClip,
    RandomCrop,
    Text,
    Tokens,
    Vocabulary,
    Windows,
    batches,
    write_records,
)

pytestmark = pytest.mark.any_backend

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
        ways = {name: Tokens(WORDS) if name == "text" else None for name in modalities}
        dataset = batches(tmp_path, 4, ways if "text" in modalities else modalities)
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
    (x, _) = next(batches(tmp_path, 5, {"text": Tokens(WORDS)}).as_numpy_iterator())
    assert x["text"].dtype == np.int32
    assert x["text"].tolist() == [[2, 5, 4], [2, 3, 0], [1, 3, 0], [0, 0, 0], [2, 2, 2]]
    (x, _) = next(batches(tmp_path, 5, {"text": Text()}).as_numpy_iterator())
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
        ({"modalities": ("text",)}, r"`modalities\['text'\]`.*Tokens\(vocabulary\).*None"),
        ({"modalities": {"text": "words"}}, r"`modalities\['text'\]`.*'words'"),
        ({"host": (1, 1)}, r"`host`.*\(1, 1\)"),
        ({"host": (2, 3)}, r"`host` \(2, 3\) has no share.*2 samples"),
        ({"subset": [0, 2]}, r"`subset` must be in 0\.\.1.*received 0\.\.2"),
        ({"subset": [1, 1]}, "`subset` must be integers that differ"),
        ({"subset": [0.5]}, "`subset` must be integers"),
        ({"modalities": {"video": 16}}, r"`modalities\['video'\]`.*16"),
        ({"modalities": {"audio": 16}}, r"`modalities\['audio'\]`.*16"),
        ({"modalities": {"video": RandomClip()}}, "`shuffle` must be an EpochShuffle.*None"),
        ({"modalities": {"audio": RandomCrop(3)}}, "`shuffle` must be an EpochShuffle.*None"),
        (
            {"modalities": {"video": Windows()}, "shuffle": EpochShuffle(0)},
            "`shuffle` must be None with `Windows`",
        ),
        (
            {"modalities": {"audio": RandomCrop(3)}, "shuffle": EpochShuffle(0), "cache": "x"},
            "`cache`.*'x'",
        ),
        ({"modalities": {"faces": Array(3)}}, "`modalities`.*'audio', 'text', 'video'.*'faces'"),
        (
            {"modalities": {"mel": Array(augment=MaskSpectrogram(1, 1))}},
            "`modalities`.*'mel'",
        ),
    ],
)
def test_wrong_arguments_are_named(tmp_path, options, message):
    make(tmp_path, 2)
    with pytest.raises(ValueError, match=message):
        batches(tmp_path, **{"batch_size": 2, "modalities": ("video", "audio"), **options})


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
        batches(tmp_path, 2, ("video",))


def test_index_is_the_place_in_the_records(tmp_path):
    folders = [make(tmp_path / "a", 6), make(tmp_path / "b", 4, start=6)]
    for options in ({}, {"cache": False}, {"cache": True, "decode": RandomCrop(2)}):
        decoders = {"audio": options.pop("decode", None)}
        data = batches(folders, 3, decoders, shuffle=EpochShuffle(0), with_index=True, **options)
        seen = []
        for x, y in data.as_numpy_iterator():
            assert x["index"].dtype == np.int32
            np.testing.assert_array_equal(x["index"], y)
            seen += x["index"].tolist()
        assert sorted(seen) == list(range(10)) != seen


@pytest.mark.parametrize("cache", [True, False])
def test_shares_of_the_hosts_are_disjoint_and_complete(tmp_path, cache):
    make(tmp_path)
    shares = []
    for host in range(3):
        data = batches(
            tmp_path, 2, ("audio",), host=(host, 3), shuffle=EpochShuffle(1), cache=cache
        )
        epochs = [labels(data) for _ in range(2)]
        assert sorted(epochs[0]) == sorted(epochs[1])
        shares.append(epochs[0])
        assert int(data.cardinality()) == -(-len(epochs[0]) // 2)
    assert sorted(map(len, shares)) == [3, 3, 4]
    assert sorted(sum(shares, [])) == list(range(10))


@pytest.mark.parametrize("cache", [True, False])
def test_a_subset_keeps_its_places(tmp_path, cache):
    make(tmp_path)
    kept = [7, 2, 5, 9]
    options = {"with_index": True, "cache": cache, "subset": kept}
    (batch,) = batches(tmp_path, 4, ("audio",), **options).as_numpy_iterator()
    assert batch[0]["index"].tolist() == batch[1].tolist() == kept
    data = batches(tmp_path, 4, ("audio",), shuffle=EpochShuffle(0), **options)
    assert sorted(labels(data)) == sorted(kept)
    assert labels(batches(tmp_path, 2, ("audio",), host=(1, 2), **options)) == [2, 9]


def various(row):
    """Arrays of 1 to 5 rows."""
    number = int(row["id"])
    return {"face": np.full((1 + number % 5, 2), 1 + number), "age": np.float64(number)}


def test_arrays_are_filled_up_to_a_length(tmp_path):
    make(tmp_path, 6, read=various)
    data = batches(tmp_path, 4, {"face": Array(3), "age": None})
    assert data.element_spec[0]["face"].shape.as_list() == [None, 3, 2]
    for x, y in data.as_numpy_iterator():
        for face, age, number in zip(x["face"], x["age"], y, strict=True):
            rows = min(1 + number % 5, 3)
            assert age == number and face.dtype == np.float32
            assert face[:, 0].tolist() == [1 + number] * rows + [0] * (3 - rows)


def test_arrays_are_filled_up_to_the_longest_of_the_batch(tmp_path):
    make(tmp_path, 6, read=various)
    first, second = batches(tmp_path, 4, {"face": Array("batch")}).as_numpy_iterator()
    assert first[0]["face"].shape == (4, 4, 2) and second[0]["face"].shape == (2, 5, 2)
    assert first[0]["face"][1, :, 0].tolist() == [2, 2, 0, 0]
    assert second[0]["face"][:, :, 1].tolist() == [[5] * 5, [6, 0, 0, 0, 0]]
    with pytest.raises(ValueError, match=r"one shape.*face.*\[None, 2\].*`pad`"):
        batches(tmp_path, 4, ("face",))
    assert [len(x["face"][0]) for x, _ in batches(tmp_path, 1, ("face",))] == [1, 2, 3, 4, 5, 1]


class Letters:
    """A tokenizer of dicts: the first letter, and whether there is one."""

    key = "letters"

    def __call__(self, text):
        import tensorflow as tf

        codes = tf.strings.unicode_decode(text, "UTF-8")[:1]
        there = tf.reshape(tf.shape(codes)[0], (1,))
        return {"ids": tf.reshape(tf.pad(codes, [[0, 1]])[:1], (1,)), "there": there}


@pytest.mark.parametrize("cache", [True, "folder"])
def test_tokens_may_be_dicts(tmp_path, cache):
    make(tmp_path / "a", 5)
    cache = cache if cache is True else tmp_path / "cache"
    data = batches(tmp_path / "a", 5, {"text": Tokens(Letters()), "audio": None}, cache=cache)
    (x, _) = next(data.as_numpy_iterator())
    assert x["text"]["ids"].tolist() == [[65], [97], [122], [0], [97]]
    assert x["text"]["there"].tolist() == [[1], [1], [1], [0], [1]]
    assert x["audio"].shape == (5, 6)
    with pytest.raises(ValueError, match="`vocabulary` must have a `key`"):
        batches(tmp_path / "a", 5, {"text": Tokens(lambda text: text)}, cache=tmp_path)


def test_resumed_epoch_sees_the_clips_and_crops_of_the_uninterrupted_run(tmp_path):
    def read(row):
        number = int(row["id"])
        video = np.arange(6 * 8 * 8, dtype=np.uint8).reshape(6, 8, 8, 1) + np.uint8(number)
        return {"video": video, "audio": np.arange(9, dtype="float32") / 9}

    make(tmp_path, 5, read=read)

    def epochs(numbers, batch_size, cache):
        shuffle = EpochShuffle(4)
        data = batches(
            tmp_path,
            batch_size,
            {"video": RandomClip(2, 5), "audio": RandomCrop(4)},
            shuffle=shuffle,
            cache=cache,
        )
        found = []
        for number in numbers:
            shuffle.on_epoch_begin(number)
            xs, ys = zip(*data.as_numpy_iterator(), strict=True)
            found.append([np.concatenate([x[name] for x in xs]) for name in ("video", "audio")])
            found[-1].append(np.concatenate(ys))
        return found

    whole = epochs(range(4), 2, cache=False)
    for resumed in (epochs([2, 3], 2, cache=False), epochs([2, 3], 5, cache=True)):
        for epoch, again in zip(whole[2:], resumed, strict=True):
            for one, other in zip(epoch, again, strict=True):
                np.testing.assert_array_equal(one, other)
    assert np.any(whole[0][0] != whole[1][0])
