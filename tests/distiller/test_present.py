"""Samples that lack a modality (`x["present"]`): the loss is that of the others, in each method."""

import functools

import keras
import numpy as np
import numpy_amid
import numpy_baselines
import pytest
import reference
import streams
import tiny
from keras import ops

import keras_amid as ka

# Keras's own, of a generator that ends: it cannot know its length
pytestmark = pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")

X, FULL = tiny.data(9)
FULL = np.array([0, 1, 0, 2, 1, 0, 2, 2, 1])
SOME = np.array([0, -1, 0, 2, 1, 0, -1, -1, 1])
THERE = np.array([1, 1, 1, 0, 1, 0, 1, 0, 1], bool)
WEIGHT = np.linspace(0.5, 2.0, 9).astype("float32")
#: NaN in the place of what is missing.
MASKED = {
    "video": X["video"],
    "audio": np.where(THERE[:, None], X["audio"], np.nan).astype("float32"),
    "present": {"audio": THERE},
}
BANKS = {"embedding_dim": 3, "num_negatives": 6}


@keras.saving.register_keras_serializable(package="tests")
class Matching(ka.Distiller):
    """A method of a user's own: a term of each sample, without a word of who is complete."""

    def distillation_loss(self, batch):
        distance = ops.sum(ops.square(batch.teacher - batch.auxiliary), axis=1)
        contrast = ka.losses.mutual_information_loss(batch.teacher, batch.student, batch.labels, 1)
        return {
            "classification_loss": (1.0, batch.classification_loss()),
            "distance": (0.3, distance),
            "contrast": (0.2, contrast),
        }


CASES = {
    "StudentOnly": {},
    "TeacherOnly": {},
    "AMID": {},
    "AMID noise": {"contrastive_loss": "noise_contrastive", "pair_normalizer": "batch"},
    "AMID ours": {"detach_teacher": True, "normalize_positives": True, "pair_normalizer": 2.0},
    "AMID fixed": {},
    "DirectAMID": {},
    "GMC": {},
    "CCL": {"kl_weight": 0.5},
    "StudentContrast": {},
    "CRD": {},
    "CRCD": {},
    "CRD banks": BANKS,
    "CRCD banks": BANKS,
    "Matching": {},
}


@functools.cache
def made(case, semi_supervised=True, eagerly=False):
    """A model and its variables' values: each test starts from them (`fresh`)."""
    name = case.partition(" ")[0]
    extractors = (
        {"video": tiny.extractor(tiny.VIDEO, 4, "video_extractor")},
        {"audio": tiny.extractor(tiny.AUDIO, 3, "audio_extractor")},
    )
    arguments = {**CASES[case], "train_auxiliary": True, "semi_supervised": semi_supervised}
    if case == "AMID fixed":
        arguments["fixed_teacher"] = tiny.method("TeacherOnly").teacher
    if "banks" in case:
        arguments["train_labels"] = labels_of(case, semi_supervised)
    cls = getattr(ka, name, Matching)
    model = cls(*extractors, num_classes=3, representation_dim=4, **arguments)
    tiny.set_weights_from_seed(model)
    way = {"run_eagerly": True, "jit_compile": False} if eagerly else tiny.FEW_STEPS
    model.compile(optimizer=keras.optimizers.SGD(0.05), **way)
    return model, [ops.convert_to_numpy(v.value) for v in model.variables]


def fresh(case, **arguments):
    model, values = made(case, **arguments)
    for variable, value in zip(model.variables, values, strict=True):
        variable.assign(value)
    return model


def labels_of(case, semi_supervised=True):
    """Banks hold 3 samples of a class, so that all samples of other classes are drawn."""
    return SOME if "banks" not in case else np.where(THERE, FULL, SOME) if semi_supervised else FULL


def step(model, x, y, weight=None):
    x = {**x, "index": np.arange(len(y))} if model.train_labels is not None else x
    logs = model.train_on_batch(x, y, weight, return_dict=True)
    return {name: float(value) for name, value in logs.items()}, weights(model)


def weights(model):
    """All variables but those of the logs."""
    values = tiny.weights(model)
    return {path: value for path, value in values.items() if "components" not in path}


def assert_same_weights(got, expected, **tolerance):
    assert got.keys() == expected.keys()
    for (path, values), others in zip(expected.items(), got.values(), strict=True):
        assert np.isfinite(others).all(), path
        np.testing.assert_allclose(others, values, err_msg=path, **tolerance)


def of_complete_alone(model, monkeypatch):
    """Makes the model's loss that of the complete samples alone, the student's cross-entropy
    that of all: for data of all, without `present`."""
    original, rows = model.compute_loss, np.flatnonzero(THERE)

    def take(value):
        return None if value is None else ops.take(ops.convert_to_tensor(value), rows, axis=0)

    def cross_entropy(logits, y, weight):
        y = ops.cast(ops.convert_to_tensor(y), "int32")
        labelled = ops.cast(y >= 0, "float32")
        truth = ops.one_hot(ops.maximum(y, 0), 3)
        values = -ops.sum(truth * ops.log_softmax(logits, axis=-1), axis=-1) * labelled
        if weight is not None:
            values = values * ops.convert_to_tensor(weight)
        return ops.sum(values) / ops.sum(labelled)

    def compute_loss(x, y, y_pred, sample_weight=None, training=True):
        alone = {name: take(value) for name, value in x.items()}
        outputs, labels, weight = model(alone, training=training), take(y), take(sample_weight)
        loss = original(alone, labels, outputs, weight, training)
        if isinstance(model, ka.TeacherOnly):
            return loss
        loss = loss - cross_entropy(outputs["student_logits"], labels, weight)
        return loss + cross_entropy(y_pred["student_logits"], y, sample_weight)

    monkeypatch.setattr(model, "compute_loss", compute_loss)
    if getattr(model, "memory", None) is not None and model.memory.has_banks:
        classes = model.memory.classes
        model.memory.labels.assign(np.where(THERE, classes, -1 - classes))  # nor are they drawn


@pytest.mark.parametrize("case", CASES)
def test_a_step_is_that_of_the_complete_samples_alone(case, monkeypatch):
    y = labels_of(case)
    logs, got = step(fresh(case), MASKED, y, WEIGHT)
    model = fresh(case)
    if case != "StudentOnly":  # to which nothing is missing
        of_complete_alone(model, monkeypatch)
    expected_logs, expected = step(model, X, y, WEIGHT)
    assert_same_weights(got, expected, rtol=2e-5, atol=2e-6)
    # The reference logs what the complete samples give alone, of the student too.
    for name in set(expected_logs) - {"loss", "classification_loss", "student_accuracy"}:
        assert logs[name] == pytest.approx(expected_logs[name], rel=2e-5, abs=1e-6), name
    assert logs["loss"] == pytest.approx(expected_logs["loss"], rel=2e-5)


@pytest.mark.parametrize("case", CASES)
def test_all_complete_is_as_without_a_mask_to_the_last_bit(case):
    # Eagerly: XLA sums two programs' numbers in orders of their own.
    (logs, expected), (masked_logs, masked) = (
        step(fresh(case, eagerly=True), x, labels_of(case))
        for x in (X, {**X, "present": {"audio": np.ones(9, bool)}})
    )
    assert masked_logs == logs
    assert_same_weights(masked, expected, rtol=0, atol=0)


@pytest.mark.parametrize("case", CASES)
def test_without_a_complete_sample_there_is_the_students_cross_entropy(case):
    x = {**X, "audio": np.full_like(X["audio"], np.nan), "present": {"audio": np.zeros(9, bool)}}
    model, y = fresh(case), labels_of(case)
    before = weights(model)
    logits = ops.convert_to_numpy(model(X)["student_logits"]).astype("float64")
    logs, after = step(model, x, y)
    labelled = y >= 0
    expected = reference.cross_entropy(logits[labelled], y[labelled]).mean()
    expected = 0.0 if case == "TeacherOnly" else expected
    assert logs["loss"] == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(list(logs.values())).all()
    learning = ("video_extractor", "student_projection", "classifier", "memory/labels", "seed")
    for path, values in after.items():
        assert np.isfinite(values).all(), path
        if not any(part in path for part in learning):
            np.testing.assert_array_equal(values, before[path], err_msg=path)


@pytest.mark.parametrize("name", ["CRD", "CRCD"])
def test_banks_neither_draw_incomplete_samples_nor_change_their_rows(name):
    model = fresh(f"{name} banks", semi_supervised=False)
    p = numpy_amid.parameters(model)
    logs, _ = step(model, MASKED, FULL)
    there = np.flatnonzero(THERE)
    labels = np.where(THERE, FULL, -1)

    def out(z, rows, index, labels, temperature):
        function = numpy_baselines.crd_out if name == "CRD" else numpy_baselines.crcd_out
        # Row numbers among the complete samples, so that "others" are complete too.
        return function(z, rows[there], np.arange(len(there)), labels[there], temperature)

    alone = {m: X[m][there] for m in ("video", "audio")}
    value, _ = numpy_baselines.contrast(out, p, p, alone, there, labels, model.temperature)
    assert logs["contrastive_loss"] == pytest.approx(value, rel=2e-4)
    for side in ("student", "teacher"):
        bank = ops.convert_to_numpy(getattr(model.memory, f"{side}_bank").value)
        before = numpy_baselines.array(p, f"{side}_bank")
        moved = np.abs(bank - before).max(axis=1) > 1e-6
        np.testing.assert_array_equal(moved, THERE)
    # A sample that comes with all its modalities again is drawn again.
    step(model, {**X, "present": {"audio": np.ones(9, bool)}}, FULL)
    np.testing.assert_array_equal(ops.convert_to_numpy(model.memory.labels.value), FULL)


def test_every_kind_of_data():
    model = tiny.amid()
    model.compile(optimizer=keras.optimizers.SGD(0.05), jit_compile=tiny.JIT)
    zeros = {**MASKED, "audio": np.nan_to_num(MASKED["audio"])}
    batches, start = streams.batches(3, MASKED, FULL), model.get_weights()
    model.fit(zeros, FULL, batch_size=3, shuffle=False, verbose=0)
    expected = weights(model)
    outputs = {name: ops.convert_to_numpy(v) for name, v in model(zeros).items()}
    logits = {side: outputs[f"{side}_logits"] for side in ("student", "teacher")}
    logits["auxiliary"] = ops.convert_to_numpy(model.classifier(outputs["auxiliary"]))
    hits = {f"{side}_accuracy": values.argmax(1) == FULL for side, values in logits.items()}

    for kind in ["arrays", *streams.KINDS]:
        model.set_weights(start)
        if kind == "arrays":
            model.fit(MASKED, FULL, batch_size=3, shuffle=False, verbose=0)
            logs = model.evaluate(MASKED, FULL, batch_size=3, verbose=0, return_dict=True)
        else:
            model.fit(streams.of_batches(kind, batches), shuffle=False, verbose=0)
            stream = streams.of_batches(kind, batches)
            logs = model.evaluate(stream, verbose=0, return_dict=True)
        assert_same_weights(weights(model), expected, rtol=1e-4, atol=1e-5)
        for name, hit in hits.items():
            hit = hit if name == "student_accuracy" else hit[THERE]
            assert logs[name] == pytest.approx(hit.mean()), (kind, name)


def test_representations_of_what_is_missing_are_nan():
    model = fresh("AMID")
    representations, whole = model.represent(MASKED), model.represent(X)
    np.testing.assert_array_equal(representations["student"], whole["student"])
    for side in ("teacher", "auxiliary"):
        assert np.isnan(representations[side][~THERE]).all()
        np.testing.assert_allclose(
            representations[side][THERE], whole[side][THERE], rtol=1e-5, atol=1e-6
        )
    assert np.isfinite(model.predict(MASKED, verbose=0)).all()


def test_nested_and_integer_modalities():
    """Tokens with their mask, of which one sample has none."""
    ids, mask = keras.Input((3,), dtype="int32", name="ids"), keras.Input((3,), name="mask")
    features = keras.layers.Concatenate()(
        [keras.layers.Flatten()(keras.layers.Embedding(5, 2)(ids)), mask]
    )
    text = keras.Model({"ids": ids, "mask": mask}, features)
    model = ka.GMC(
        {"video": tiny.extractor(tiny.VIDEO, 4, "video")},
        {"text": text, "audio": tiny.extractor(tiny.AUDIO, 4, "audio")},
        num_classes=3,
        representation_dim=4,
        train_auxiliary=True,
    )
    model.compile(optimizer="sgd", run_eagerly=True)
    tokens = np.ones((9, 3), "int32")
    tokens[2] = 77  # no such token
    mask = np.ones((9, 3), "float32")
    mask[2] = np.nan
    there = np.arange(9) != 2
    x = {**MASKED, "text": {"ids": tokens, "mask": mask}}
    x["present"] = {"text": there, "audio": THERE}
    model.fit(x, FULL, batch_size=9, verbose=0)
    assert all(np.isfinite(w).all() for w in weights(model).values())
    logs = model.evaluate(x, FULL, verbose=0, return_dict=True)
    zeros = {**x, "text": {"ids": tokens * there[:, None], "mask": np.nan_to_num(mask)}}
    logits = ops.convert_to_numpy(
        model({**zeros, "audio": np.nan_to_num(x["audio"]), "present": {}})["teacher_logits"]
    )
    hits = (logits.argmax(1) == FULL)[THERE & there]
    assert logs["teacher_accuracy"] == pytest.approx(hits.mean())
