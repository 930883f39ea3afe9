"""The control: auxiliary modalities of other samples, together; targets and labels stay."""

import keras
import numpy as np
import pytest
from tiny_records import CAPTIONS, make

from keras_amid.data import (
    Cached,
    EpochShuffle,
    RandomClip,
    Tokens,
    Vocabulary,
    Windows,
    batches,
    cache_features,
    shuffled_pairs,
)

pytestmark = pytest.mark.any_backend

WORDS = Vocabulary.of(CAPTIONS)


def test_each_sample_gets_another_ones_once():
    for count in (2, 3, 50):
        order = shuffled_pairs(count, seed=count)
        assert sorted(order) == list(range(count))
        assert (order != np.arange(count)).all()
        np.testing.assert_array_equal(order, shuffled_pairs(count, seed=count))
    assert (shuffled_pairs(50, 0) != shuffled_pairs(50, 1)).any()


def test_within_a_subset_alone():
    subset = np.array([1, 2, 5, 7])
    order = shuffled_pairs(9, 3, subset)
    assert set(order[subset]) == set(subset) and (order[subset] != subset).all()
    others = np.setdiff1d(np.arange(9), subset)
    np.testing.assert_array_equal(order[others], others)
    with pytest.raises(ValueError, match="`subset` must hold two samples or more.*received 1"):
        shuffled_pairs(9, 3, [4])


def read(folder, ways, partners, **options):
    """{label: (video, audio, caption's number)} of all batches, and checks of what stays."""
    dataset = batches(folder, 4, ways, with_index=True, partners=partners, **options)
    found = {}
    captions = [[2 + WORDS.words.index(w) for w in c.lower().split()] for c in CAPTIONS]
    for x, y in dataset.as_numpy_iterator():
        np.testing.assert_array_equal(x["index"], y)
        for i, label in enumerate(y):
            number = round(100 * float(x["audio"][i, 0]))
            tokens = captions[number % len(captions)]
            np.testing.assert_array_equal(x["text"][i], tokens + [0] * (WORDS.length - len(tokens)))
            found[int(label)] = (int(x["video"][i, 0, 0, 0, 0]), number)
    return found


@pytest.mark.parametrize("shuffled", [False, True])
def test_all_auxiliaries_are_of_the_same_other_sample(tmp_path, shuffled):
    make(tmp_path / "records")
    order = shuffled_pairs(10, 0)
    partners = {"audio": order, "text": order}
    ways = {"video": None, "audio": None, "text": Tokens(WORDS)}
    # The cache on the disk tells the control's samples from the true pairs'.
    read(tmp_path / "records", ways, None, cache=tmp_path / "cache")
    for cache in (True, False, tmp_path / "cache"):
        shuffle = EpochShuffle(3) if shuffled else None
        found = read(tmp_path / "records", ways, partners, cache=cache, shuffle=shuffle)
        assert found == {i: (i, order[i]) for i in range(10)}


def test_videos_and_cached_features_are_exchanged_too(tmp_path):
    records = make(tmp_path / "records")
    network = keras.Sequential([keras.Input((6,)), keras.layers.Rescaling(100.0)])
    network.trainable = False
    cache_features(network, records, tmp_path / "features", "audio", progress=False)
    ways = {"video": RandomClip(1, 4), "audio": Cached(tmp_path / "features")}
    order = shuffled_pairs(10, 1)
    for cache in (True, False):
        dataset = batches(
            records, 10, ways, shuffle=EpochShuffle(0), cache=cache,
            partners={"video": order, "audio": order},
        )  # fmt: skip
        ((x, y),) = dataset.as_numpy_iterator()
        np.testing.assert_array_equal(x["video"][:, 0, 0, 0, 0], order[y])
        np.testing.assert_allclose(x["audio"][:, 0], order[y], rtol=1e-5)


@pytest.mark.parametrize(
    ("partners", "message"),
    [
        ({"text": range(10)}, "`partners` must be of modalities that are read.*received 'text'"),
        ({"video": range(10)}, "and not by windows; received 'video'"),
        ({"audio": range(9)}, r"`partners\['audio'\]` must be 10 places in 0..9, one for each"),
        ({"audio": [10, *range(9)]}, "must be 10 places in 0..9"),
        ({"audio": np.zeros(10)}, "must be 10 places in 0..9"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, partners, message):
    make(tmp_path)
    with pytest.raises(ValueError, match=message):
        batches(tmp_path, 4, {"video": Windows(1, 1, 4), "audio": None}, partners=partners)
