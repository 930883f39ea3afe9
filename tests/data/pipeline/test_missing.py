"""Records in which some samples lack a modality: zeros in its place, and `x["present"]`."""

import keras
import numpy as np
import pytest

from keras_amid.data import (
    Array,
    Cached,
    CenterCrop,
    EpochShuffle,
    RandomClip,
    RandomCrop,
    Tokens,
    Vocabulary,
    Windows,
    batches,
    cache_features,
    read_samples,
    write_records,
)

pytestmark = pytest.mark.any_backend

COUNT = 10
WORDS = Vocabulary(("cork", "pebble"), 2)
LACKING = {"audio": {1, 4, 5, 6, 7, 9}, "text": {0, 4}, "video": {3, 4}, "face": {2, 4, 7}}
HAVE = {m: np.array([i not in lacking for i in range(COUNT)]) for m, lacking in LACKING.items()}


def values(number):
    found = {
        "video": np.full((2 + number % 3, 8, 8, 3), 10 + number, np.uint8),
        "audio": np.full(4 + number % 3, (1 + number) / 100, "float32"),
        "text": "a pebble",
        "face": np.full((2 + number % 2, 3), 1 + number, "float32"),
    }
    return {m: None if number in LACKING[m] else value for m, value in found.items()}


def make(folder, read=values, count=COUNT, **options):
    samples = [{"id": str(i), "label": i} for i in range(count)]
    options = {"shard_size": 3, "audio": "float32", "progress": False, "video": "jpeg", **options}
    write_records(samples, folder, lambda row: read(int(row["id"])), **options)
    return folder


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return make(tmp_path_factory.mktemp("records"))


def whole(dataset):
    """All samples in their order, concatenated."""
    xs, ys = zip(*dataset.as_numpy_iterator(), strict=True)
    labels = np.concatenate(ys)
    order = np.argsort(labels, kind="stable")
    x = keras.tree.map_structure(lambda *parts: np.concatenate(parts)[order], *xs)
    return x, labels[order]


CASES = {
    "audio crop": ("audio", RandomCrop(5)),
    "audio middle": ("audio", CenterCrop(3)),
    "sound padded": ("audio", Array(pad=7)),
    "text": ("text", Tokens(WORDS)),
    "clip": ("video", RandomClip(frames=2, size=4)),
    "face": ("face", Array(pad=4)),
}


@pytest.mark.parametrize("cache", [True, False, "folder"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_missing_is_zeros_and_told(records, tmp_path, case, cache):
    name, decoder = CASES[case]
    if cache == "folder":
        if decoder.random:
            pytest.skip("random decoders have no cache on the disk")
        cache = tmp_path
    dataset = batches(records, 4, {name: decoder}, shuffle=EpochShuffle(1), cache=cache)
    x, y = whole(dataset)
    assert y.tolist() == list(range(COUNT)) and set(x) == {name, "present"}
    np.testing.assert_array_equal(x["present"][name], HAVE[name])
    assert x["present"][name].dtype == bool
    for number in range(COUNT):
        value = x[name][number]
        if not HAVE[name][number]:
            assert not value.any()
        elif name == "text":
            assert value.tolist() == [1, 3]
        elif name == "video":
            np.testing.assert_allclose(value, 10 + number, atol=2)
        else:
            expected = 1 + number if name == "face" else (1 + number) / 100
            assert np.unique(value[value != 0]) == pytest.approx(expected)


def test_modalities_together_padded_within_the_batch_and_by_windows(records):
    ways = {"face": Array(pad="batch"), "video": Windows(frames=2, size=4)}
    x, y = whole(batches(records, 1, {"video": ways["video"]}))
    frames = [2 if i in LACKING["video"] else 2 + i % 3 for i in range(COUNT)]
    windows = [1 + (n - 2 + 15) // 16 for n in frames]
    assert np.bincount(y).tolist() == windows
    np.testing.assert_array_equal(x["present"]["video"], HAVE["video"][y])
    dataset = batches(records, COUNT, {"face": ways["face"], "audio": CenterCrop(3)})
    x, _ = next(dataset.as_numpy_iterator())
    assert x["face"].shape == (COUNT, 3, 3) and set(x["present"]) == {"face", "audio"}


def test_samples_say_what_they_lack(records):
    samples = read_samples(records)
    for number, sample in enumerate(samples):
        missing = sorted(m for m in LACKING if number in LACKING[m])
        assert sample.get("missing", []) == missing
        assert set(sample["lengths"]) == {"video", "audio", "face"} - set(missing)


def test_without_anything_missing_all_is_as_it_was(tmp_path):
    make(tmp_path, lambda number: {"face": np.ones(3)})
    assert set(batches(tmp_path, 2, ["face"]).element_spec[0]) == {"face"}
    assert all("missing" not in sample for sample in read_samples(tmp_path))


def test_the_mask_is_there_for_all_folders_and_splits_of_a_data_set(records, tmp_path):
    all_there = make(tmp_path / "a", lambda n: {"face": np.ones((2, 3))}, count=3)
    x, _ = next(batches([all_there, records], 13, {"face": Array(2)}).as_numpy_iterator())
    assert x["present"]["face"].tolist() == [True] * 3 + HAVE["face"].tolist()
    x, _ = next(batches(all_there, 3, ["face"], may_lack=["face"]).as_numpy_iterator())
    assert x["present"]["face"].tolist() == [True] * 3
    with pytest.raises(ValueError, match=r"`may_lack`.*\['face'\].*received \['smell'\]"):
        batches(all_there, 3, ["face"], may_lack=["smell"])
    told = make(tmp_path / "b", lambda n: {"face": np.ones(3)}, 3, may_lack=["face", "hand"])
    assert set(batches(told, 3, ["face"]).element_spec[0]) == {"face", "present"}


def test_a_modality_that_read_forgets_is_refused_unless_it_may_be_lacked(tmp_path):
    def forgets(number):
        return {m: v for m, v in values(number).items() if v is not None}

    with pytest.raises(ValueError, match=r"same modalities.*may_lack.*for '1' after"):
        make(tmp_path / "a", forgets)
    make(tmp_path / "b", forgets, may_lack=LACKING)
    x, _ = whole(batches(tmp_path / "b", 5, {"face": Array(pad=4)}))
    np.testing.assert_array_equal(x["present"]["face"], HAVE["face"])


def test_features_are_cached_of_what_is_there(records, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: 1 + 0 / x)])
    model.trainable = False  # and infinite or NaN for zeros
    features = cache_features(
        model, records, tmp_path / "f", "audio", CenterCrop(3), batch_size=4, progress=False
    )
    assert features.count == COUNT
    x, _ = whole(batches(records, 4, {"audio": Cached(features.folder), "face": Array(pad=4)}))
    np.testing.assert_array_equal(x["present"]["audio"], HAVE["audio"])
    np.testing.assert_array_equal(x["audio"], np.repeat(HAVE["audio"][:, None], 3, axis=1))
    np.testing.assert_array_equal(x["present"]["face"], HAVE["face"])


def test_modalities_of_others_come_with_their_masks(records):
    partners = np.roll(np.arange(COUNT), 1)
    x, _ = whole(batches(records, 5, {"face": Array(pad=4)}, partners={"face": partners}))
    np.testing.assert_array_equal(x["present"]["face"], HAVE["face"][partners])
