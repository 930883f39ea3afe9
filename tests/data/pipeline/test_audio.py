import numpy as np
import pytest

from keras_amid.data import CenterCrop, EpochShuffle, RandomCrop, batches, write_records

pytestmark = pytest.mark.any_backend

LENGTHS = (40, 7, 100, 10)


def ramp(length):
    """Samples that tell their place."""
    return (np.arange(length) / 256).astype("float32")


@pytest.fixture(scope="module", params=["pcm16", "float32"])
def folder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    samples = [{"id": str(i), "label": i} for i in range(len(LENGTHS))]
    write_records(
        samples,
        folder,
        lambda row: {"audio": ramp(LENGTHS[row["label"]])},
        audio=request.param,
        progress=False,
    )
    return folder


def crops(folder, sound, epochs=1, **options):
    """Pairs (label, crop) of some epochs."""
    shuffle = EpochShuffle(3) if isinstance(sound, RandomCrop) else None
    data = batches(folder, 2, {"audio": sound}, shuffle=shuffle, **options)
    found = []
    for _ in range(epochs):
        for x, y in data.as_numpy_iterator():
            assert x["audio"].dtype == np.float32
            found += zip(y.tolist(), x["audio"], strict=True)
    return found


def test_centre_crop_is_the_middle_or_is_followed_by_zeros(folder):
    found = dict(crops(folder, CenterCrop(10)))
    np.testing.assert_array_equal(found[0], ramp(40)[15:25])
    np.testing.assert_array_equal(found[1], np.append(ramp(7), [0, 0, 0]))
    np.testing.assert_array_equal(found[2], ramp(100)[45:55])
    np.testing.assert_array_equal(found[3], ramp(10))


def test_random_crops_are_parts_from_everywhere(folder):
    starts = []
    for label, crop in crops([folder] * 20, RandomCrop(10), epochs=3):
        length = LENGTHS[label]
        start = round(crop[0] * 256)
        expected = np.pad(ramp(length)[start : start + 10], (0, max(10 - length, 0)))
        np.testing.assert_array_equal(crop, expected)
        if label == 0:
            starts.append(start)
    assert set(starts) <= set(range(31)) and len(set(starts)) > 20
    assert min(starts) < 4 and max(starts) > 26
    assert np.mean(starts) == pytest.approx(15, abs=4 * 8.94 / 60**0.5)


def test_random_crops_are_a_function_of_seed_and_epoch(folder):
    first = crops(folder, RandomCrop(10), epochs=2, cache=True)
    second = crops(folder, RandomCrop(10), epochs=2, cache=False)
    for (label, crop), (other, again) in zip(first, second, strict=True):
        assert label == other
        np.testing.assert_array_equal(crop, again)


def test_faded_crop(folder):
    pytest.importorskip("tensorflow_io")
    plain = dict(crops(folder, RandomCrop(12)))
    faded = dict(crops(folder, RandomCrop(12, fade=3)))
    envelope = np.array([0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1, 0.5, 0])
    for label, crop in plain.items():
        np.testing.assert_allclose(faded[label], envelope * crop, atol=1e-7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomCrop(0), "`samples`.*0"),
        (lambda: CenterCrop(2.5), "`samples`.*2.5"),
        (lambda: RandomCrop(10, fade=6), r"`fade`.*half of `samples` \(10\).*6"),
        (lambda: RandomCrop(10, fade=-1), "`fade`.*-1"),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
