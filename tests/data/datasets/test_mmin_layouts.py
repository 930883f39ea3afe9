"""MMIN's features as laboratories keep them: in groups, by folds, damaged."""

import shutil

import h5py
import numpy as np
import pytest

from keras_amid.data import mmin
from keras_amid.data.datasets.miniatures import mmin as miniature

pytestmark = pytest.mark.any_backend
SETS = ("trn", "val", "tst")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return miniature.write(tmp_path_factory.mktemp("mmin"), utterances=2, awkward=False)


@pytest.fixture
def root(written, tmp_path):
    return shutil.copytree(written, tmp_path / "root")


def rewrite(path, targets, change=lambda features, fold: features, groups=True):
    """Writes a feature file anew: dict target -> names, or None for all; removes the old one."""
    with h5py.File(path) as file:
        features = {name: file[name][()] for name in file}
    path.unlink()
    for target, (names, fold) in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(target, "w") as file:
            for name in features if names is None else names:
                value = change(features[name], fold)
                if groups:
                    file[f"{name}/feat"], file[f"{name}/pred"] = value, np.zeros((len(value), 8))
                else:
                    file[name] = value


def by_folds(root, folder):
    """Dict file of a fold's part -> (names, fold)."""
    return {
        folder / str(fold) / f"{part}.h5": (
            np.load(root / f"target/{fold}/{part}_int2name.npy")[:, 0].astype(str).tolist(),
            fold,
        )
        for fold in range(1, 11)
        for part in SETS
    }


def features(data):
    found = {}
    for split in data.counts:
        names = [sample["id"] for sample in data.samples(split)]
        batches = data.pipeline(split, 1, ("face_features",)).as_numpy_iterator()
        found |= {n: x["face_features"][0] for n, (x, _) in zip(names, batches, strict=True)}
    return found


@pytest.mark.parametrize("place", ["V/denseface.h5", "feature/denseface/all.h5"])
def test_groups_of_features_and_predictions(root, tmp_path, place):
    expected = features(mmin.prepare(root, tmp_path / "plain", progress=False))
    rewrite(root / "V/denseface.h5", {root / place: (None, None)})
    data = mmin.prepare(root, tmp_path / "out", progress=False)
    found = features(data)
    assert list(found) == list(expected) and not data.problems
    assert all((found[name] == expected[name]).all() for name in expected)


@pytest.mark.parametrize("folder", ["V/denseface", "feature/denseface", "denseface"])
@pytest.mark.parametrize("groups", [True, False])
def test_a_file_for_each_part_of_a_fold(root, tmp_path, folder, groups):
    expected = features(mmin.prepare(root, tmp_path / "plain", progress=False))
    rewrite(root / "V/denseface.h5", by_folds(root, root / folder), groups=groups)
    data = mmin.prepare(root, tmp_path / "out", progress=False)
    found = features(data)
    assert list(found) == list(expected) and not data.problems
    assert all((found[name] == expected[name]).all() for name in expected)


def test_features_that_differ_between_folds(root, tmp_path):
    """Those of networks that were trained on the fold: which one to read must be said."""
    expected = features(mmin.prepare(root, tmp_path / "plain", progress=False))
    targets = by_folds(root, root / "V/denseface")
    rewrite(root / "V/denseface.h5", targets, lambda values, fold: values + fold)
    with pytest.raises(ValueError, match="`fold` must be one of .*V/denseface differ.*None"):
        mmin.read(root)
    data = mmin.prepare(root, tmp_path / "out", fold=3, progress=False)
    found = features(data)
    assert list(found) == list(expected) and data.settings["fold"] == 3
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name] + 3, atol=1e-5)
    with pytest.raises(ValueError, match="`fold`: 3 there, 4 asked for"):
        mmin.prepare(root, tmp_path / "out", fold=4, progress=False)
    with pytest.raises(ValueError, match="`fold` must be one of"):
        mmin.read(root, fold=11)
    shutil.rmtree(root / "target" / "5")
    with pytest.raises(ValueError, match="must hold MMIN targets .*target/5"):
        mmin.read(root, fold=5)


def test_groups_without_features_are_named(root):
    with h5py.File(root / "V/denseface.h5", "a") as file:
        name = next(iter(file))
        del file[name]
        file[f"{name}/pred"] = np.zeros((3, 8))
    (problem,) = mmin.read(root).problems
    assert problem == {"id": name, "reason": "no features in V/denseface.h5"}


def test_what_is_found_instead_is_said(root):
    (root / "V/denseface.h5").rename(root / "V/efficientface.h5")
    with pytest.raises(ValueError, match="looked for .*V/denseface.h5.*is .*V/efficientface.h5"):
        mmin.read(root)
    assert len(mmin.read(root, face="efficientface").splits["session-1"]) == 4


@pytest.mark.parametrize("kind", ["int2name", "label"])
def test_damaged_arrays_are_named_and_not_unpickled(root, kind):
    """Cut anywhere; and with every byte of the header changed in turn."""
    path = root / f"target/2/val_{kind}.npy"
    whole = path.read_bytes()
    damaged = [whole[:size] for size in (0, 1, 5, 6, 9, 40, 100, len(whole) - 1)]
    damaged += [whole[:i] + bytes([whole[i] ^ 0x15]) + whole[i + 1 :] for i in range(0, 100, 7)]
    damaged += [b"\x80\x04K*." + whole, b"PK\x03\x04" + whole]
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            mmin.read(root)
        except ValueError as error:
            assert f"val_{kind}.npy" in str(error)
            refused += 1
    assert refused >= 15


@pytest.mark.parametrize("row", [[0, 0, 0, 0], [1, 0, 0, 1], [0, np.nan, 0, 0]])
def test_rows_without_one_label_are_refused(root, row):
    path = root / "target/1/trn_label.npy"
    labels = np.load(path)
    labels[0] = row
    np.save(path, labels)
    with pytest.raises(ValueError, match="trn_label.npy must hold one label a row"):
        mmin.read(root)


def test_damaged_feature_files(root, tmp_path):
    path = root / "A/comparE.h5"
    whole = path.read_bytes()
    for size in (0, 100, len(whole) // 2):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="comparE.h5 is no HDF5 file"):
            mmin.read(root)
    path.unlink()
    with h5py.File(path, "w") as file:
        for name in (row["id"] for rows in miniature_rows(root) for row in rows):
            file[name] = np.array(["words", "and more"], "S")
    data = mmin.prepare(root, tmp_path / "out", progress=False)
    reasons = {item["reason"] for items in data.left_out.values() for item in items}
    assert sum(data.counts.values()) == 0 and len(reasons) == 1
    assert reasons.pop().startswith("features that cannot be read (could not convert")


def miniature_rows(root):
    return mmin.read(root, audio=None).splits.values()
