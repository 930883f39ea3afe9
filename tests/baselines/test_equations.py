"""The compared methods against their formulas: values over steps, and every gradient."""

import keras
import numpy as np
import numpy_amid
import numpy_baselines
import pytest
import reference
import tiny

from keras_amid.distiller.batch import Batch

Y = np.array([0, 1, 2, 0, 1, 2])
#: Each sample's place in the training set, whose labels are LABELS.
INDEX = np.array([3, 0, 5, 1, 4, 2])
LABELS = np.empty_like(Y)
LABELS[INDEX] = Y
X, _ = tiny.data(6)
BANKS = {"train_labels": LABELS, "embedding_dim": 3, "temperature": 0.3}


def made(name, rate, **kwargs):
    model = tiny.method(name.partition(",")[0], **kwargs)
    tiny.set_weights_from_seed(model)
    model.compile(optimizer=keras.optimizers.SGD(rate), **tiny.FEW_STEPS)
    return model


def step(model, index=INDEX):
    """One step on the whole set; its logs."""
    return model.train_on_batch({**X, "index": index}, Y, return_dict=True)


@pytest.mark.parametrize("name", ["CRD", "CRCD"])
def test_banks_and_constants_follow_the_formulas_over_three_steps(name):
    """With a learning rate of 0, and so many negatives that all of other classes are drawn."""
    model = made(name, 0.0, **BANKS)
    out = {"CRD": numpy_baselines.crd_out, "CRCD": numpy_baselines.crcd_out}[name]
    p, zs = numpy_amid.parameters(model), None
    z_s, z_t = numpy_baselines.embeddings(p, numpy_amid.forward(p, X))
    for index in (INDEX, INDEX, INDEX[[0, 0, 2, 3, 0, 5]]):  # at last one sample three times
        labels = Y if index is INDEX else LABELS[index]
        model.reset_metrics()
        logs = model.train_on_batch({**X, "index": index}, labels, return_dict=True)
        value, zs = numpy_baselines.contrast(out, p, p, X, index, LABELS, 0.3, zs)
        assert float(logs["contrastive_loss"]) == pytest.approx(value, rel=2e-4)
        student_bank, teacher_bank = numpy_baselines.banks(p)
        after = numpy_amid.parameters(model)
        got = numpy_baselines.banks(after)
        np.testing.assert_allclose(got[0], numpy_baselines.update(student_bank, z_s, index), 1e-4)
        np.testing.assert_allclose(got[1], numpy_baselines.update(teacher_bank, z_t, index), 1e-4)
        np.testing.assert_allclose(model.memory.log_z.numpy(), np.log(zs), rtol=1e-4, atol=1e-5)
        p = after


@pytest.mark.parametrize("name", ["CRD", "CRCD"])
def test_without_banks_the_batch_is_contrasted(name):
    """The batch's own embeddings as rows, in their order."""
    model = made(name, 0.0, embedding_dim=3, temperature=0.3)
    out = {"CRD": numpy_baselines.crd_out, "CRCD": numpy_baselines.crcd_out}[name]
    p = numpy_amid.parameters(model)
    z_s, z_t = numpy_baselines.embeddings(p, numpy_amid.forward(p, X))
    own = np.arange(6)
    outs = out(z_s, z_t, own, Y, 0.3), out(z_t, z_s, own, Y, 0.3)
    zs = [numpy_baselines.normalizer(rows, 6) for rows in outs]
    expected = numpy_baselines.noise_contrast(outs, zs, 6)
    batch = Batch(Y, model(X))
    _, values = model.distillation_loss(batch)["contrastive_loss"]
    mean = keras.ops.convert_to_numpy(values).mean()
    assert mean == pytest.approx(expected, rel=2e-4)


def test_gradient_agreement_is_logged_and_weighted():
    model = made("CRCD", 0.0, **BANKS, gradient_weight=2.0, contrastive_weight=0.5)
    out = numpy_amid.forward(p := numpy_amid.parameters(model), X)
    kernel = numpy_baselines.array(p, "classifier/kernel")
    expected = reference.gradient_agreement(out["s_logits"], out["m_logits"], Y, kernel).mean()
    logs = {name: float(value) for name, value in step(model).items()}
    assert logs["gradient_loss"] == pytest.approx(expected, rel=1e-4)
    total = logs["classification_loss"] + 2.0 * expected + 0.5 * logs["contrastive_loss"]
    assert logs["loss"] == pytest.approx(total, rel=1e-5)


def crd_objective(p, start):
    _, zs = numpy_baselines.contrast(numpy_baselines.crd_out, start, start, X, INDEX, LABELS, 0.3)
    value, _ = numpy_baselines.contrast(
        numpy_baselines.crd_out, p, start, X, INDEX, LABELS, 0.3, zs
    )
    return numpy_baselines.cross_entropy(numpy_amid.forward(p, X), Y) + 0.8 * value


def crcd_objective(p, start):
    contrast = numpy_baselines.crcd_out
    _, zs = numpy_baselines.contrast(contrast, start, start, X, INDEX, LABELS, 0.3)
    value, _ = numpy_baselines.contrast(contrast, p, start, X, INDEX, LABELS, 0.3, zs)
    out = numpy_amid.forward(p, X)
    kernel = numpy_baselines.array(p, "classifier/kernel")
    gradient = reference.gradient_agreement(out["s_logits"], out["m_logits"], Y, kernel).mean()
    return numpy_baselines.cross_entropy(out, Y) + value + gradient


#: Method -> its arguments, and the function of (parameters, parameters at the start) it minimises.
OBJECTIVES = {
    "CRD": (BANKS, crd_objective),
    "CRCD": (BANKS, crcd_objective),
    "GMC": (
        {"embedding_dim": 3, "contrastive_weight": 0.7, "temperature": 0.5},
        lambda p, start: numpy_baselines.gmc(p, X, Y, 0.5, True, 0.7),
    ),
    "CCL": (
        {},
        lambda p, start: numpy_baselines.ccl(p, start, X, Y, 0.5, reference.symmetric_kl),
    ),
    "CCL, KL": (
        {"kl_weight": 0.6, "kl_temperature": 3.0, "block": 4},
        lambda p, start: (
            numpy_baselines.ccl(p, start, X, Y, 0.5, reference.symmetric_kl)
            + 0.6 * numpy_baselines.softened(p, start, X, 3.0)
        ),
    ),
    "GMC, in blocks": (
        {"embedding_dim": 3, "contrastive_weight": 0.7, "temperature": 0.5, "block": 5},
        lambda p, start: numpy_baselines.gmc(p, X, Y, 0.5, True, 0.7),
    ),
    "StudentContrast": (
        {"contrastive_weight": 0.7, "temperature": 0.4, "block": 4},
        lambda p, start: numpy_baselines.student_contrast(p, X, Y, 0.7, 0.4),
    ),
    "TeacherOnly": (
        {},
        lambda p, start: numpy_baselines.cross_entropy(numpy_amid.forward(p, X), Y, "m"),
    ),
}


OPTIONS = {
    "GMC": (
        {"embedding_dim": 3, "temperature": 0.5, "positive_in_denominator": False},
        lambda p: numpy_baselines.gmc(p, X, Y, 0.5, False),
    ),
    "CCL": (
        {"divergence": "jensen_shannon", "temperature": 0.7},
        lambda p: numpy_baselines.ccl(p, p, X, Y, 0.7, reference.jensen_shannon),
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_what_paper_or_code_have_otherwise(name):
    arguments, objective = OPTIONS[name]
    model = made(name, 0.0, **arguments)
    terms = model.distillation_loss(Batch(Y, model(X))).values()
    loss = np.mean(sum(weight * keras.ops.convert_to_numpy(values) for weight, values in terms))
    assert loss == pytest.approx(objective(numpy_amid.parameters(model)), rel=2e-4)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_variable_steps_along_its_gradient(name):
    """Bank rows, Z and what is stopped carry none; what the loss leaves out stays."""
    arguments, objective = OBJECTIVES[name]
    model = made(name, 0.1, dim=3, projection=True, **arguments)
    start = numpy_amid.parameters(model)
    logs = step(model)
    assert float(logs["loss"]) == pytest.approx(objective(start, start), rel=2e-4)
    after, still = numpy_amid.parameters(model), []
    for variable in model.trainable_variables:
        path = variable.path
        change = (start[path] - after[path]) / 0.1
        expected = numpy_amid.numerical_gradient(start, path, lambda p: objective(p, start))
        np.testing.assert_allclose(change, expected, rtol=5e-3, atol=2e-3, err_msg=path)
        still += [] if np.abs(expected).max() > 1e-4 else [path]
    left_out = {
        "TeacherOnly": ["student_projection", "auxiliary_projection"],
        "CRD": ["auxiliary_projection"],
        "CRCD": ["auxiliary_projection"],
    }.get(name, [])
    assert {path.split("/")[-2] for path in still} == set(left_out)
    assert not any("audio_extractor" in v.path for v in model.trainable_variables)
