import keras
import numpy as np
import pytest
from keras import ops

from keras_amid.extractors import SpecAugment

ONES = np.ones((300, 100, 20), "float32")


def augmented(layer, x=ONES):
    return ops.convert_to_numpy(layer(x, training=True))


def runs(kept):
    """Lengths of the runs of False, and where they start."""
    edges = np.diff(np.concatenate([[1], kept.astype(int), [1]]))
    starts, ends = np.flatnonzero(edges == -1), np.flatnonzero(edges == 1)
    return ends - starts, starts


def test_nothing_happens_outside_training():
    layer = SpecAugment(seed=0)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(ONES)), ONES)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(ONES, training=False)), ONES)


@pytest.mark.parametrize("axis", [0, 1])
def test_one_stripe_is_drawn_as_pytorchs_randint_would(axis):
    """Length uniform over 0..width-1, then start uniform over 0..size-length-1, each sample anew.

    With a stripe of length l an end frame is hit with probability 1 / (size - l).
    """
    width, size = 5, ONES.shape[1 + axis]
    counts = {"time_stripes": 1 - axis, "frequency_stripes": axis}
    out = augmented(SpecAugment(width, frequency_width=width, seed=1, **counts))
    kept = out.min(axis=2 - axis)
    np.testing.assert_array_equal(kept, out.max(axis=2 - axis))  # stripes go right across
    lengths, starts = zip(*map(runs, kept), strict=True)
    assert max(map(len, lengths)) == 1
    totals = np.array([sum(length) for length in lengths])
    assert set(totals) == set(range(width))
    assert np.bincount(totals).min() > 300 / width / 2
    starts = np.concatenate(starts)
    assert starts.min() < 0.05 * size and (starts + totals[totals > 0]).max() >= 0.95 * size
    assert abs(starts.mean() - (size - 1 - totals[totals > 0].mean()) / 2) < 0.07 * size


def test_two_stripes_over_each_axis_by_default():
    out = augmented(SpecAugment(seed=2))
    rows = [len(runs(sample.max(axis=1))[0]) for sample in out]
    columns = [len(runs(sample.max(axis=0))[0]) for sample in out]
    assert max(rows) == 2 and set(columns) == {0, 1, 2}
    rows, columns = out.max(axis=2), out.max(axis=1)
    np.testing.assert_array_equal(out, rows[:, :, None] * columns[:, None, :])
    assert 63 < (1 - rows).sum(axis=1).max() <= 2 * 63
    assert 7 < (1 - columns).sum(axis=1).max() <= 2 * 7


def test_an_axis_shorter_than_a_stripe_is_never_dropped_whole():
    layer = SpecAugment(64, 1, 8, 1, seed=3)
    assert augmented(layer, ONES[:, :3, :2]).max(axis=(1, 2)).min() == 1
    assert augmented(layer, ONES[:, :1, :1]).min() == 1
    assert augmented(SpecAugment(64, 1, 8, 0, seed=3), ONES[:, :3]).min() == 0


def test_no_stripes():
    np.testing.assert_array_equal(augmented(SpecAugment(1, 2, 8, 0)), ONES)
    np.testing.assert_array_equal(augmented(SpecAugment(time_stripes=0, frequency_width=1)), ONES)


def test_new_stripes_in_every_step_the_same_from_the_same_seed():
    first, again, other = SpecAugment(seed=4), SpecAugment(seed=4), SpecAugment(seed=5)
    one, two = augmented(first), augmented(first)
    assert np.any(one != two)
    np.testing.assert_array_equal(augmented(again), one)
    np.testing.assert_array_equal(augmented(again), two)
    assert np.any(augmented(other) != one)


@pytest.mark.parametrize("frames", [None, 40])
def test_inside_a_compiled_model(tmp_path, frames):
    """A sum over frequency, and the mean of that as loss: the share that is kept."""
    inputs = keras.Input((frames, 20))
    total = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Model(inputs, total(SpecAugment(10, 2, 4, 2, name="augment")(inputs)))
    model.save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    assert model.get_layer("augment").get_config()["frequency_width"] == 4
    jit = keras.backend.backend() != "torch"
    model.compile(
        keras.optimizers.SGD(0.0),
        lambda _, y: ops.mean(ops.reshape(y, (8, -1)), axis=1) / 20,
        jit_compile=jit,
    )
    x = ONES[:8, :40]
    losses = [float(model.train_on_batch(x, np.zeros((8, 1)))) for _ in range(4)]
    assert len(set(losses)) == 4 and 0.2 < min(losses) and max(losses) < 1
    assert model.evaluate(x, np.zeros((8, 1)), verbose=0) == pytest.approx(1)


def test_half_precision():
    x = ONES[:4].astype("float16") * 3
    out = SpecAugment(seed=6, dtype="float16")(x, training=True)
    assert keras.backend.standardize_dtype(out.dtype) == "float16"
    assert set(np.unique(ops.convert_to_numpy(out))) == {0, 3}


@pytest.mark.parametrize(
    "argument", ["time_width", "time_stripes", "frequency_width", "frequency_stripes"]
)
@pytest.mark.parametrize("value", [-1, 2.5])
def test_bad_arguments_are_refused(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}`.*{value}"):
        SpecAugment(**{argument: value})
