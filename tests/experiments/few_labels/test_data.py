"""The measurements as they are read and divided."""

import dataclasses
import pickle

import numpy as np
import pytest
import recipe_files
from scipy import stats

from keras_amid.experiments.few_labels import Digits, FewLabelsConfig, Watch
from keras_amid.experiments.few_labels import watch as watch_module
from keras_amid.experiments.few_labels.features import window_features
from keras_amid.experiments.few_labels.pairs import Pairs, divide, standardized

pytestmark = pytest.mark.any_backend
TABLE = recipe_files.RECIPES / "data" / "mfeat.csv.gz"
SIZES = {"train": 6, "validation": 2, "test": 8}
NO_GROUPS = {"validation": 0, "test": 0}


def test_the_numerals_are_those_of_the_repository():
    assert TABLE.stat().st_size < 1.5e6
    pairs = Digits(TABLE).read(raw=False)
    shapes = {view: values.shape for view, values in pairs.x.items()}
    assert shapes == {"fac": (2000, 216), "fou": (2000, 76), "zer": (2000, 47)}
    np.testing.assert_array_equal(pairs.y, np.repeat(np.arange(10), 200))
    # The first numerals of each view, as the repository's files have them.
    np.testing.assert_allclose(pairs.x["fou"][0, :3], [0.065882, 0.19731, 0.10383], rtol=1e-6)
    assert pairs.x["fac"][0, :4].tolist() == [98, 236, 531, 673]
    np.testing.assert_allclose(pairs.x["zer"][0, :3], [0.011033, 0.83147, 15.352], rtol=1e-6)
    with pytest.raises(ValueError, match="`raw` must be False for the numerals"):
        Digits(TABLE).check(raw=True)
    with pytest.raises(ValueError, match="`path` must be the table of the numerals; received"):
        Digits(TABLE.with_name("none.csv.gz")).check(raw=False)


def test_no_split_trains_on_the_half_that_is_tested_on():
    pairs = Pairs({}, np.arange(16), [])
    splits = [divide(pairs, seed, SIZES, 5, NO_GROUPS) for seed in range(6)]
    tested = {tuple(sorted(split["test"])) for split in splits}
    assert len(tested) == 1
    for split in splits:
        assert {name: len(places) for name, places in split.items()} == SIZES
        assert len(np.unique(np.concatenate(list(split.values())))) == 16
    assert len({tuple(split["train"]) for split in splits}) > 1
    with pytest.raises(ValueError, match=r"`train`, .* at most what the data have; .*'train': 9"):
        divide(pairs, 0, {**SIZES, "train": 9}, 5, NO_GROUPS)


def test_people_belong_to_one_split_alone():
    people = np.repeat(np.arange(10), 4)
    pairs = Pairs({}, np.zeros(40), [], people)
    sizes = {"train": 20, "validation": 8, "test": 12}
    seen = set()
    for seed in range(5):
        split = divide(pairs, seed, sizes, 0, {"validation": 2, "test": 3})
        groups = [set(people[split[name]]) for name in ("train", "validation", "test")]
        assert [len(part) for part in groups] == [5, 2, 3]
        assert len(set.union(*groups)) == 10
        seen.add(tuple(sorted(groups[2])))
    assert len(seen) > 1


def test_standardised_by_the_training_samples_and_cut():
    x = np.random.default_rng(0).normal(3, 2, (50, 4, 2))
    x[:, :, 1], x[49] = 7.0, 1e3  # a channel that stands still, an odd sample
    train = np.arange(20)
    scaled = standardized(x, train)
    assert scaled.dtype == "float32" and scaled.shape == x.shape
    expected = (x[:49, :, 0] - x[:20, :, 0].mean()) / x[:20, :, 0].std()
    np.testing.assert_allclose(scaled[:49, :, 0], np.clip(expected, -5, 5), atol=1e-5)
    assert (scaled[:49, :, 1] == 0).all() and (scaled[49] == 5).all()


def test_features_of_a_sine_and_of_stillness():
    t = np.arange(200) / 50
    windows = np.stack([3 + 2 * np.sin(2 * np.pi * 1.5 * t), np.full(200, 4.0)], axis=1)[None]
    features = window_features(windows, 50).reshape(15, 2)
    sine, still = features.T
    assert np.isfinite(features).all()
    wave = windows[0, :, 0]
    np.testing.assert_allclose(sine[:4], [3, np.sqrt(2), wave.min(), wave.max()], rtol=1e-6)
    np.testing.assert_allclose(sine[4:7], np.percentile(wave, [25, 50, 75]), rtol=1e-6)
    np.testing.assert_allclose(sine[8], stats.kurtosis(wave), rtol=1e-6)
    np.testing.assert_allclose(sine[9], np.abs(np.diff(wave)).mean(), rtol=1e-6)
    assert sine[10] == pytest.approx(2 * 1.5 / 50, rel=0.1)  # crossings a step
    assert sine[11] == 1.5 and sine[13] > max(sine[12], sine[14]) + 5  # Hz, and its band
    assert still[:4].tolist() == [4, 0, 4, 4] and still[10] == 0


def written(path, content):
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|O", "fortran_order": False, "shape": ()}
        )
        array = np.empty((), object)
        array[()] = content
        pickle.dump(array, file, protocol=2)
    return path


def recordings():
    rng = np.random.default_rng(0)
    return {
        "X": [rng.normal(size=(n, 6)) for n in (300, 520, 199)],
        "y": [0.0, 2.0, 1.0],
        "subject": [4.0, 5.0, 4.0],
        "y_labels": ["PEN", "ABD", "FEL"],
    }


def old_numpy(path):
    """As the package's file names numpy's functions."""
    path.write_bytes(path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    return path


def test_recordings_are_cut_into_windows_of_both_sensors(tmp_path, monkeypatch):
    data = recordings()
    path = old_numpy(written(tmp_path / "watch.npy", data))
    monkeypatch.setattr(watch_module, "recordings_path", lambda: path)
    pairs = Watch().read(raw=True)
    assert {view: v.shape for view, v in pairs.x.items()} == {
        "acc": (6, 200, 3), "gyr": (6, 200, 3),
    }  # fmt: skip
    assert pairs.y.tolist() == [0, 0, 2, 2, 2, 2] and pairs.groups.tolist() == [4, 4, 5, 5, 5, 5]
    np.testing.assert_allclose(pairs.x["gyr"][3], data["X"][1][100:300, 3:], rtol=1e-6)
    features = Watch().read(raw=False).x["acc"]
    assert features.shape == (6, 45)
    np.testing.assert_allclose(features[1, :3], data["X"][0][100:300, :3].mean(axis=0), rtol=1e-5)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    class Acts:
        def __reduce__(self):
            return open, (str(tmp_path / "ran"), "w")

    path = old_numpy(written(tmp_path / "watch.npy", {"X": Acts()}))
    with pytest.raises(ValueError, match="`path` must hold arrays only; received .*open"):
        watch_module.read_recordings(path)
    assert not (tmp_path / "ran").exists()


def test_without_the_package_its_name_is_said(monkeypatch):
    def missing(name):
        raise watch_module.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(watch_module.importlib.metadata, "files", missing)
    with pytest.raises(ValueError, match=r"`seglearn` must be installed.*keras_amid\[watch\]"):
        Watch().check(raw=False)


def test_views_are_checked():
    values = {field.name: 1 for field in dataclasses.fields(FewLabelsConfig)}
    values |= {"source": Watch(), "name": "w", "title": "W", "target": "acc", "auxiliary": "gyr"}
    values |= {"rows": ("AMID",), "own_rows": {}, "own_settings": {}, "control": False}
    assert FewLabelsConfig.of(values).sizes()["train"] == 1  # all_labelled
    for changed, message in (
        ({"target": "video"}, r"`target` must be of \['acc', 'gyr'\]; received 'video'"),
        ({"target": "gyr"}, "`auxiliary` must be another view than `target`; received 'gyr'"),
    ):
        with pytest.raises(ValueError, match=message):
            FewLabelsConfig.of(values | changed)
