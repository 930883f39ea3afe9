import shutil

import h5py
import numpy as np
import pytest
import record_examples

from keras_amid.data import Array, mmin
from keras_amid.data.datasets.miniatures import mmin as miniature

pytestmark = pytest.mark.any_backend
MODALITIES = ("face_features", "audio_features", "text_features")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return miniature.write(tmp_path_factory.mktemp("mmin"), utterances=3)


@pytest.fixture(scope="module")
def data(root, tmp_path_factory):
    return mmin.prepare(root, tmp_path_factory.mktemp("records"), progress=False)


def targets(root):
    """Dict utterance -> label of the first fold."""
    found = {}
    for name in ("trn", "val", "tst"):
        names = np.load(root / f"target/1/{name}_int2name.npy")
        one_hot = np.load(root / f"target/1/{name}_label.npy")
        found.update(zip((n[0].decode() for n in names), one_hot.argmax(1).tolist(), strict=True))
    return found


def test_labels_in_the_records_are_those_of_the_targets(root, data):
    found = {}
    for session in range(1, 6):
        labels = record_examples.labels(data.records(f"session-{session}"))
        assert list(labels) == sorted(labels)
        assert all(name.startswith(f"Ses0{session}") for name in labels)
        found.update(labels)
    wanted = targets(root)
    unused = [f"Ses01F_impro99_F00{n}" for n in range(4)] + ["not_an_utterance"]
    assert found == {name: label for name, label in wanted.items() if name not in unused}
    assert data.class_names == ("angry", "happy", "neutral", "sad") and len(found) == 31


def test_features_are_those_of_the_files(root, data):
    x, _ = next(iter(data.pipeline("session-3", 1, MODALITIES).as_numpy_iterator()))
    name = next(iter(record_examples.labels(data.records("session-3"))))
    for modality, path in zip(
        MODALITIES, ("V/denseface", "A/comparE", "L/bert_large"), strict=True
    ):
        with h5py.File(root / f"{path}.h5") as file:
            np.testing.assert_array_equal(x[modality][0], file[name][()])
    alone = next(s for s in data.samples("session-1") if s["id"] == "Ses01F_impro99_F004")
    assert alone["lengths"]["face_features"] == 1
    padded = data.pipeline(data.fold(1)[0], 4, {"face_features": Array(pad=20)})
    x, _ = next(iter(padded.as_numpy_iterator()))
    assert x["face_features"].shape == (4, 20, 342)


def test_awkward_cases_are_counted_and_named(data):
    start = "Ses01F_impro99_F00"
    assert {item["id"]: item["reason"] for item in data.problems} == {
        f"{start}0": "no features in V/denseface.h5",
        f"{start}3": "another label in another fold",
        "not_an_utterance": "not the name of an IEMOCAP utterance",
    }
    assert {item["id"]: item["reason"] for item in data.left_out["session-1"]} == {
        f"{start}1": "features that are not finite",
        f"{start}2": "features of shape (0, 342)",
    }
    assert "5531" in data.report()


def test_a_choice_of_files(root, tmp_path):
    data = mmin.prepare(root, tmp_path, face=None, text=None, progress=False)
    assert f"session-{1}" in data.counts and data.counts["session-1"] == 10
    with pytest.raises(ValueError, match="must not all be None"):
        mmin.read(root, None, None, None)


@pytest.mark.parametrize(
    ("absent", "message"),
    [
        ("V/denseface.h5", r"must hold MMIN features \(looked for [^,]*V/denseface.h5"),
        ("target", r"must hold MMIN targets \(looked for .*target/1"),
        (
            "target/4/val_label.npy",
            "must hold complete targets .looked for .*val_label.npy.*received .*target/4",
        ),
    ],
)
def test_what_is_missing_is_said(root, tmp_path, absent, message):
    shutil.copytree(root, tmp_path / "copy")
    path = tmp_path / "copy" / absent
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ValueError, match=message):
        mmin.read(tmp_path / "copy")


@pytest.mark.parametrize(
    ("file", "value", "message"),
    [
        ("int2name", np.array([["a"], [1]], object), "cannot be read without unpickling"),
        ("int2name", np.zeros((3, 1)), "must hold bytes or text; received float64"),
        ("label", np.zeros((3, 7)), "one-hot labels .utterances, 4.*; received float64"),
        ("label", np.array([0, 1, 9]), "integers below 4"),
        ("label", np.eye(4)[:2], "names, .*2 labels"),
    ],
)
def test_other_formats_are_refused(root, tmp_path, file, value, message):
    shutil.copytree(root, tmp_path / "copy")
    np.save(tmp_path / "copy" / "target" / "1" / f"trn_{file}.npy", value)
    with pytest.raises(ValueError, match=message):
        mmin.read(tmp_path / "copy")


def test_names_as_text_and_labels_as_integers(root, tmp_path):
    shutil.copytree(root, tmp_path / "copy")
    for path in (tmp_path / "copy" / "target").rglob("*_int2name.npy"):
        np.save(path, np.load(path)[:, 0].astype(str))
    for path in (tmp_path / "copy" / "target").rglob("*_label.npy"):
        np.save(path, np.load(path).argmax(1))
    assert mmin.read(tmp_path / "copy").splits == mmin.read(root).splits
    (tmp_path / "copy" / "A" / "comparE.h5").write_text("no HDF5")
    with pytest.raises(ValueError, match="comparE.h5 is no HDF5 file"):
        mmin.read(tmp_path / "copy")
