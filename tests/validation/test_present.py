"""What `x["present"]` must be, on every road."""

import numpy as np
import pytest
import streams
import tiny

import keras_amid as ka
from keras_amid.validation.checks import check_batch

X, Y = tiny.data(6)
THERE = np.array([1, 1, 0, 1, 1, 0], bool)
NAN = np.where(THERE[:, None], X["audio"], np.nan).astype("float32")
BAD = {
    "no dict": (THERE, r"x\['present'\] of .* must be a dict.*received (ndarray|\w*Tensor)"),
    "unknown": ({"smell": THERE}, r"x\['present'\] of .*among \['video', 'audio'\].*\['smell'\]"),
    "numbers": ({"audio": THERE.astype("int32")}, r"\['audio'\] of .* must be bool.*int32"),
    "shape": ({"audio": THERE[:, None]}, r"\['audio'\] of .* shape \(batch,\).*\(\S+, 1\)"),
    "target": (
        {"video": THERE}, r"x\['present'\]\['video'\] of .* must be True.*received \[False",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return tiny.amid()


def found(model, kind, x, call):
    """Raises what the checks of this kind of data raise."""
    if kind == "arrays":
        return check_batch((x, Y), model.expected_data(call))
    return list(ka.checked(streams.of_batches(kind, streams.batches(3, x, Y)), model, call))


@pytest.mark.parametrize("call", ["fit", "evaluate"])
@pytest.mark.parametrize("kind", ["arrays", *streams.KINDS])
def test_masks_and_what_they_hide(model, kind, call):
    found(model, kind, {**X, "audio": NAN, "present": {"audio": THERE}}, call)
    found(model, kind, {**X, "present": {"video": np.ones(6, bool)}}, call)
    found(model, kind, {**X, "present": {}}, call)
    for case, (present, message) in BAD.items():
        with pytest.raises(Exception, match=message):
            found(model, kind, {**X, "present": present}, call)
            pytest.fail(case)
    shown = np.array([0, 1, 0, 1, 1, 0], bool)  # sample 0 is there, and NaN
    x = {**X, "audio": np.where(shown[:, None], X["audio"], np.nan), "present": {"audio": THERE}}
    with pytest.raises(Exception, match=r"x\['audio'\] of .* must be finite.*received \[nan"):
        found(model, kind, x, call)


def test_a_mask_of_another_length(model):
    with pytest.raises(ValueError, match=r"\['audio'\] of .*as many samples as `y`, 6.*\[5\]"):
        found(model, "arrays", {**X, "present": {"audio": THERE[:5]}}, "fit")
    batch = ({**X, "audio": NAN, "present": {"audio": THERE[:5]}}, Y)
    with pytest.raises(Exception, match=r"\['audio'\] of .*as many samples as `y`, 6.*\[5\]"):
        list(ka.checked(streams.of_batches("tf_data", [batch]), model))


def test_ragged_and_nested_values(model):
    import tensorflow as tf

    ragged = tf.ragged.constant([[1.0], [float("nan"), 2.0], [3.0]])
    ids = np.array([[1.0], [np.nan], [3.0]], "float32")
    text = ka.AMID(
        {"video": tiny.extractor(tiny.VIDEO, 4, "v")},
        {"audio": tiny.extractor(1, 4, "a"), "audio_2": tiny.extractor(1, 4, "b")},
        num_classes=3,
        representation_dim=4,
    )
    x = {"video": X["video"][:3], "audio": ragged, "audio_2": ids}
    for mask, good in ((np.array([1, 0, 1], bool), True), (np.array([0, 1, 1], bool), False)):
        present = {"audio": mask, "audio_2": mask}
        stream = tf.data.Dataset.from_tensors(({**x, "present": present}, Y[:3]))
        if good:
            list(ka.checked(stream, text))
        else:
            with pytest.raises(Exception, match=r"x\['audio'\] of .* must be finite"):
                list(ka.checked(stream, text))


def test_no_modality_is_called_present():
    with pytest.raises(ValueError, match="modality names other than .*'present'"):
        ka.StudentOnly({"present": tiny.extractor(tiny.VIDEO, 4, "v")}, num_classes=3)
