"""Unlabelled samples (label -1): what they take part in and what not, for every method."""

import keras
import numpy as np
import numpy_amid
import pytest
import reference
import tiny

import keras_amid as ka

X, FULL = tiny.data(8)
FULL = np.array([0, 1, 0, 2, 1, 0, 2, 2])
SOME = np.array([0, -1, 0, 2, -1, -1, 2, 1])
#: A class of its own for each unlabelled sample: positive of itself alone, negative of all others.
ALONE = np.where(SOME < 0, 100 + np.arange(8), SOME)
LABELLED = SOME >= 0
METHODS = [
    "StudentOnly",
    "TeacherOnly",
    "AMID",
    "DirectAMID",
    "GMC",
    "StudentContrast",
    "CCL",
    "CRD",
    "CRCD",
    "CRD banks",
    "CRCD banks",
]


def made(name, labels=None, **arguments):
    name, _, banks = name.partition(" ")
    if banks:
        arguments |= {"train_labels": labels, "embedding_dim": 3, "num_negatives": 4}
    model = tiny.method(name, train_auxiliary=True, **arguments)
    tiny.set_weights_from_seed(model)
    model.compile(optimizer=keras.optimizers.SGD(0.05), **tiny.FEW_STEPS)
    return model


def step(model, y, x=X):
    keras.utils.set_random_seed(1)
    logs = model.train_on_batch({**x, "index": np.arange(len(y))}, y, return_dict=True)
    return {name: float(value) for name, value in logs.items()}, tiny.weights(model)


@pytest.mark.parametrize("name", METHODS)
def test_all_labelled_equals_the_supervised_form_to_the_last_bit(name):
    results = []
    for semi_supervised in (False, True):
        keras.utils.set_random_seed(0)
        model = made(name, FULL, semi_supervised=semi_supervised)
        results.append(step(model, FULL))
    (logs, weights), (semi_logs, semi_weights) = results
    assert semi_logs == logs
    for (path, expected), got in zip(weights.items(), semi_weights.values(), strict=True):
        np.testing.assert_array_equal(got, expected, err_msg=path)


@pytest.mark.parametrize("name", METHODS)
def test_without_a_label_nothing_but_the_contrast_and_agreement_counts(name):
    model = made(name, np.array([0, 1, *np.full(6, -1)]), semi_supervised=True)
    y = np.full(8, -1)
    if "banks" in name:
        y[:2] = 0, 1
    logs, weights = step(model, y)
    assert np.isfinite(list(logs.values())).all()
    assert all(np.isfinite(array).all() for array in weights.values())
    if "banks" not in name:
        assert logs["classification_loss"] == 0 and logs["student_accuracy"] == 0
    if name in ("StudentOnly", "TeacherOnly"):
        assert logs["loss"] == 0


def test_amid_equals_the_equations():
    model = made("AMID", semi_supervised=True, pair_normalizer="batch")
    p = numpy_amid.parameters(model)
    terms = numpy_amid.components(p, X, ALONE % 3, 0.5, (0.5, 0.5), 4.0)
    out = numpy_amid.forward(p, X)
    cross_entropy = sum(
        reference.cross_entropy(out[side][LABELLED], SOME[LABELLED]).mean()
        for side in ("s_logits", "m_logits")
    )
    (d1_m, d1_s), (d2_m, d2_s) = numpy_amid.discriminate(p, out["m"], out["s"])
    pairs = (ALONE, (0.5, 0.5), len(reference.repeated(ALONE)))
    expected = {
        "classification_loss": cross_entropy,
        "divergence_loss": terms["divergence_loss"],
        "mi_student_loss": reference.mutual_information(out["m"], out["s"], ALONE, 0.5).mean(),
        "mi_auxiliary_loss": reference.mutual_information(out["m"], out["a"], ALONE, 0.5).mean(),
        "adversarial_loss": reference.adversarial(d1_s, d2_s, *pairs),
        "discriminator_loss": reference.discriminator(d1_m, d1_s, d2_m, d2_s, *pairs),
        "student_accuracy": (out["s_logits"].argmax(1) == SOME)[LABELLED].mean(),
        "teacher_accuracy": (out["m_logits"].argmax(1) == SOME)[LABELLED].mean(),
        "class_cosine": np.mean(
            [
                reference.cosine(out["m"][v], out["s"][u])
                for v in range(8)
                for u in range(8)
                if u != v and ALONE[u] == ALONE[v]
            ]
        ),
    }
    logs, _ = step(model, SOME)
    for log, value in expected.items():
        assert logs[log] == pytest.approx(value, rel=2e-4), log


def test_ccl_equals_the_equations():
    model = made("CCL", semi_supervised=True)
    outputs = {k: keras.ops.convert_to_numpy(v) for k, v in model(X, training=False).items()}
    v, a, av = (outputs[side].astype("float64") for side in ("student", "auxiliary", "teacher"))

    def sym(u, w):
        there, back = ((u, w), (w, u))
        return sum(reference.noise_contrastive(*pair, ALONE, 0.5).mean() for pair in (there, back))

    logs, _ = step(model, SOME)
    expected = 2 * sym(v, av) + sym(v, a) + sym(av, a)
    assert logs["contrastive_loss"] == pytest.approx(expected, rel=2e-4)
    cross_entropy = sum(
        reference.cross_entropy(outputs[f"{side}_logits"][LABELLED], SOME[LABELLED]).mean()
        for side in ("student", "teacher")
    )
    assert logs["classification_loss"] == pytest.approx(cross_entropy, rel=2e-4)


@pytest.mark.parametrize("name", ["CRD", "CRCD"])
def test_banks_draw_every_other_sample_against_an_unlabelled_one(name):
    model = made(f"{name} banks", SOME, semi_supervised=True)
    batch = ka.Batch(
        SOME, model(X), training=True, index=np.arange(8, dtype="int32"), semi_supervised=True
    )
    seen = {i: set() for i in range(8)}
    for _ in range(60):
        picked = model.memory.candidates(batch, None, None).picked
        for i, row in enumerate(keras.ops.convert_to_numpy(picked)):
            assert row[0] == i
            seen[i] |= set(row[1:].tolist())
    for i in range(8):
        others = {j for j in range(8) if ALONE[j] != ALONE[i]}
        assert seen[i] == others


@pytest.mark.parametrize("name", ["AMID", "StudentOnly"])
def test_other_wrong_labels_are_not_trained_on(name):
    """In a loop of one's own, which goes around the checks."""
    model = made(name, semi_supervised=True)
    for wrong in (-2, 3):
        y = np.array([wrong, *SOME[1:]])
        loss = model.compute_loss(X, y, model(X), training=False)
        assert np.isnan(keras.ops.convert_to_numpy(loss))


def test_saved_and_loaded(tmp_path):
    model = made("AMID", semi_supervised=True)
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").semi_supervised
