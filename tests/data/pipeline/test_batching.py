from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tiny_records import labels, make

from keras_amid.data import (
    Array,
    EpochShuffle,
    MaskSpectrogram,
    MediaError,
    RandomClip,
    RandomCrop,
    Tokens,
    Vocabulary,
    Windows,
    batches,
)

pytestmark = pytest.mark.any_backend

WORDS = Vocabulary(("a", "cork", "dropped", "pebble"), 3)


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


def test_runs_that_make_one_file_cache_at_once_share_it(tmp_path):
    make(tmp_path / "a")
    cache = tmp_path / "cache"
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(batches, tmp_path / "a", 4, ("audio",), cache=cache) for _ in range(3)]
        assert all(labels(job.result()) == list(range(10)) for job in jobs)
    (made,) = cache.iterdir()
    # What a killed run leaves behind stops nobody.
    (cache / f".part-{made.name}").mkdir()
    (cache / f".{made.name}.lock").touch()
    made.rename(tmp_path / "gone")
    assert labels(batches(tmp_path / "a", 4, ("audio",), cache=cache)) == list(range(10))
    assert list(cache.iterdir()) == [made]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "`batch_size`.*0"),
        ({"modalities": ()}, "`modalities`"),
        ({"modalities": {}}, "`modalities`.*{}"),
        ({"modalities": 3}, "`modalities`.*3"),
        ({"modalities": "video"}, "`modalities`.*'video'"),
        ({"modalities": ("video", "depth")}, "`modalities`.*'audio', 'text', 'video'.*'depth'"),
        ({"modalities": ("text",)}, r"`modalities\['text'\]`.*Tokens\(vocabulary\).*None"),
        ({"modalities": {"text": "words"}}, r"`modalities\['text'\]`.*'words'"),
        ({"host": (1, 1)}, r"`host`.*\(1, 1\)"),
        ({"host": (2, 3)}, r"`host`.*2 samples.*\(2, 3\), which has no share"),
        ({"subset": [0, 2]}, r"`subset` must be in 0\.\.1.*received 0\.\.2"),
        ({"subset": [1, 1]}, "`subset` must be integers that differ"),
        ({"subset": [0.5]}, "`subset` must be integers"),
        ({"modalities": {"video": 16}}, r"`modalities\['video'\]`.*16"),
        ({"modalities": {"audio": 16}}, r"`modalities\['audio'\]`.*16"),
        ({"modalities": {"video": RandomClip}}, r"`modalities\['video'\]`.*class"),
        ({"cache": 3}, "`cache` must be True, False, a path or None.*3"),
        ({"shuffle": 5}, "`shuffle` must be an EpochShuffle or None.*5"),
        ({"modalities": {"video": RandomClip()}}, "`shuffle` must be an EpochShuffle.*None"),
        ({"modalities": {"audio": RandomCrop(3)}}, "`shuffle` must be an EpochShuffle.*None"),
        (
            {"modalities": {"video": Windows()}, "shuffle": EpochShuffle(0)},
            "`shuffle` must be None with `Windows`",
        ),
        (
            {"modalities": {"video": Windows(), "audio": RandomCrop(3)}},
            "`modalities` must have at most one windowed.*no random.*Windows.*RandomCrop",
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
