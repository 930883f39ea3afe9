import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_amid.data import Array, EpochShuffle, MaskSpectrogram, batches, write_records
from keras_amid.data.pipeline import augmentation

pytestmark = pytest.mark.any_backend


def masked(mask, shape, count=300):
    """Places of zeros along both axes for some seeds: bool (count, frames), (count, bands)."""
    ones = tf.ones(shape)
    found = np.stack([mask.apply(ones, [5, i]).numpy() for i in range(count)])
    return np.all(found == 0, axis=2), np.all(found == 0, axis=1), found


def test_masks_are_one_stretch_of_zeros_an_axis():
    frames, bands, found = masked(MaskSpectrogram(time=4, frequency=3), (10, 6))
    np.testing.assert_array_equal(found == 0, frames[:, :, None] | bands[:, None, :])
    assert set(np.unique(found)) == {0, 1}
    for mask, parameter in ((frames, 4), (bands, 3)):
        lengths = mask.sum(axis=1)
        edges = np.abs(np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(int), axis=1)).sum(axis=1)
        assert set(edges) == {0, 2}  # one stretch, or none
        counts = np.bincount(lengths, minlength=parameter)
        assert len(counts) == parameter  # 0 .. parameter - 1
        assert counts == pytest.approx(300 / parameter, abs=4 * 300**0.5 / 2)
        assert np.all(mask.any(axis=0))  # every place, the edges too


def test_masks_have_the_distribution_of_tensorflow_io():
    tfio = pytest.importorskip("tensorflow_io")
    tf.random.set_seed(1)
    ones = tf.ones((6, 5))
    theirs = np.stack([tfio.audio.freq_mask(ones, 4).numpy() == 0 for _ in range(400)])
    _, ours, _ = masked(MaskSpectrogram(time=0, frequency=4), (6, 5), 400)
    # Its start is never the last one possible (an exclusive bound), so only its middle compares.
    np.testing.assert_allclose(
        ours.sum(1).mean(), theirs[:, 0].sum(1).mean(), atol=4 * 1.12 * (2 / 400) ** 0.5
    )


def test_no_mask_leaves_the_spectrogram_alone():
    spectrogram = tf.random.normal((4, 3))
    np.testing.assert_array_equal(MaskSpectrogram(0, 0).apply(spectrogram, [1, 2]), spectrogram)


def test_pipeline_masks_anew_in_each_epoch_and_the_same_in_each_run(tmp_path):
    samples = [{"id": str(i), "label": i} for i in range(8)]
    write_records(samples, tmp_path, lambda row: {"mel": np.ones((12, 6))}, progress=False)

    def epochs(seed):
        data = batches(
            tmp_path,
            8,
            {"mel": Array(augment=MaskSpectrogram(6, 3))},
            shuffle=EpochShuffle(seed),
        )
        return [next(data.as_numpy_iterator())[0]["mel"] for _ in range(2)]

    first, second = epochs(0)
    assert np.any(first != second)
    np.testing.assert_array_equal(epochs(0), [first, second])
    with pytest.raises(ValueError, match="`shuffle` must be an EpochShuffle"):
        batches(tmp_path, 8, {"mel": Array(augment=MaskSpectrogram(6, 3))})


def test_absence_of_tensorflow_io_is_told_where_it_is_needed(monkeypatch):
    augmentation.tensorflow_io.cache_clear()
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)
    with pytest.raises(ImportError, match=r"keras_amid\[audio\].*Python 3.13"):
        augmentation.fade_edges(tf.ones(10), 2)
    augmentation.tensorflow_io.cache_clear()


@pytest.mark.parametrize(("time", "frequency"), [(-1, 0), (0, 1.5)])
def test_wrong_arguments_are_named(time, frequency):
    with pytest.raises(ValueError, match="`time`.*-1|`frequency`.*1.5"):
        MaskSpectrogram(time, frequency)
