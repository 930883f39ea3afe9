"""Batches of labelled and unlabelled samples in a fixed proportion."""

import keras
import numpy as np
import pytest
import tiny

from keras_amid.data import (
    Array,
    EpochShuffle,
    LabelledBatches,
    MaskSpectrogram,
    batches,
    read_samples,
    write_records,
)

pytestmark = pytest.mark.any_backend

LABELLED, UNLABELLED = 7, 31


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    labels = np.random.default_rng(0).permutation([0] * LABELLED + [-1] * UNLABELLED)
    samples = [{"id": str(i), "label": int(label)} for i, label in enumerate(labels)]

    def read(row):
        return {"face": np.full((3, 2), 1.0 + int(row["id"]))}

    write_records(samples, folder, read, shard_size=16, progress=False)
    return folder


def epoch(dataset):
    """(numbers, labels) of an epoch's batches, integers (steps, batch)."""
    found = list(dataset.as_numpy_iterator())
    numbers = np.stack([x["face"].max((1, 2)) for x, _ in found]).astype(int) - 1
    return numbers, np.stack([y for _, y in found])


def mixed(records, batch_size=6, fraction=0.5, seed=0, face=None, **options):
    shuffle = EpochShuffle(seed)
    ways = {"face": face or Array()}
    options = {"shuffle": shuffle, "labelled_fraction": fraction, **options}
    return batches(records, batch_size, ways, **options), shuffle


@pytest.mark.parametrize("fraction, labelled", [(0.5, 3), (0.2, 1), (0.99, 5), (0.01, 1)])
def test_every_batch_has_its_share_and_each_kind_is_drawn_without_replacement(
    records, fraction, labelled
):
    dataset, _ = mixed(records, fraction=fraction)
    steps = max(-(-LABELLED // labelled), -(-UNLABELLED // (6 - labelled)))
    assert int(dataset.cardinality()) == steps
    drawn = {True: [], False: []}
    for _ in range(3):
        numbers, labels = epoch(dataset)
        assert numbers.shape == (steps, 6)
        assert ((labels >= 0).sum(axis=1) == labelled).all()
        for kind in drawn:
            drawn[kind] += numbers[(labels >= 0) == kind].tolist()
    for kind, size in ((True, LABELLED), (False, UNLABELLED)):
        passes = [drawn[kind][i : i + size] for i in range(0, len(drawn[kind]) - size + 1, size)]
        assert passes and all(len(set(numbers)) == size for numbers in passes)
        assert len(passes) == 1 or passes[0] != passes[1]


def test_kinds_are_spread_over_the_batch(records):
    labels = epoch(mixed(records)[0])[1][0] >= 0
    assert labels[:2].any() and not labels[:2].all() and labels[3:].any()


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("cache", [True, False])
def test_a_resumed_run_sees_the_same(records, cache, random):
    face = Array(augment=MaskSpectrogram(time=2, frequency=2)) if random else None

    def seen(epochs):
        dataset, shuffle = mixed(records, face=face, cache=cache)
        for number in epochs:
            shuffle.on_epoch_begin(number)
            yield [x["face"] for x, _ in dataset.as_numpy_iterator()]

    first = list(seen(range(3)))
    (resumed,) = seen([2])
    np.testing.assert_array_equal(np.stack(resumed), np.stack(first[2]))
    if not random:
        without = {True: False, False: True}[cache]
        other, shuffle = mixed(records, cache=without)
        shuffle.on_epoch_begin(2)
        np.testing.assert_array_equal(
            np.stack([x["face"] for x, _ in other.as_numpy_iterator()]), np.stack(first[2])
        )


def test_a_sample_drawn_twice_in_an_epoch_is_augmented_anew(records):
    dataset, _ = mixed(records, face=Array(augment=MaskSpectrogram(time=3, frequency=0)))
    found = {}
    for x, y in dataset.as_numpy_iterator():
        for value, label in zip(x["face"], y, strict=True):
            if label == 0 and value.any():
                found.setdefault(int(value.max()), set()).add(value.tobytes())
    assert any(len(ways) > 1 for ways in found.values())


def test_wrong_arguments_are_named(records, tmp_path):
    for fraction in (0, 1, 1.5, "half", float("nan")):
        with pytest.raises(ValueError, match="`labelled_fraction` must be"):
            mixed(records, fraction=fraction)
    with pytest.raises(ValueError, match="`batch_size` at least 2"):
        mixed(records, batch_size=1)
    with pytest.raises(ValueError, match="`shuffle` must be an EpochShuffle.*`labelled_fraction`"):
        mixed(records, shuffle=None)
    labelled = [i for i, s in enumerate(read_samples(records)) if s["label"] == 0]
    with pytest.raises(ValueError, match="must be None where.* 0.5 for 7 samples.* and 0 without"):
        mixed(records, subset=labelled)


def test_arrays():
    x, _ = tiny.data(LABELLED + UNLABELLED)
    x["index"] = np.arange(len(x["video"]))
    y = np.random.default_rng(0).permutation([0, 1, 2] * 2 + [0] + [-1] * UNLABELLED)
    shuffle = EpochShuffle(-3)
    data = LabelledBatches(x, y, 6, 0.5, shuffle=shuffle)
    assert len(data) == 11
    drawn = {True: [], False: []}
    for _ in range(3):
        for step in range(len(data)):
            batch, labels = data[step]
            assert (labels >= 0).sum() == 3 and len(labels) == 6
            np.testing.assert_array_equal(labels, y[batch["index"]])
            np.testing.assert_array_equal(batch["video"], x["video"][batch["index"]])
            for kind in drawn:
                drawn[kind] += batch["index"][(labels >= 0) == kind].tolist()
        data.on_epoch_end()
    for kind, size in ((True, LABELLED), (False, UNLABELLED)):
        passes = [drawn[kind][i : i + size] for i in range(0, len(drawn[kind]) - size + 1, size)]
        assert len(passes) > 1 and all(len(set(numbers)) == size for numbers in passes)
        assert passes[0] != passes[1]

    weights = []
    for epochs in ((0, 3), (0, 2, 3)):  # at once, and stopped and resumed
        keras.utils.set_random_seed(0)
        model = tiny.method("StudentOnly", semi_supervised=True)
        model.compile(optimizer="sgd", run_eagerly=True)
        for first, last in zip(epochs, epochs[1:], strict=False):
            model.fit(data, initial_epoch=first, epochs=last, verbose=0, callbacks=[shuffle])
        weights.append(model.student.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="`shuffle` must be an EpochShuffle; received None"):
        LabelledBatches(x, y, 6, shuffle=None)
