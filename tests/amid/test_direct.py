"""Direct AMID against its equations: values, which group gets which gradient, saving."""

import keras
import numpy as np
import numpy_amid
import numpy_baselines
import pytest
import reference
import tiny

import keras_amid as ka

Y = np.array([0, 1, 1, 2, 0, 0])
X, _ = tiny.data(len(Y))
REPEATED = 5
WEIGHTS = {"mi_student_loss": 4.0, "mi_auxiliary_loss": 1.6, "adversarial_loss": 1.0}


def made(**arguments):
    model = tiny.method("DirectAMID", dim=3, projection=True, **arguments)
    tiny.set_weights_from_seed(model)
    return model


def terms(p, start, y, detach_teacher=True):
    """Each term of L; what is stopped is computed of `start`."""
    out, fixed = (numpy_baselines.ccl_forward(q, X) for q in (p, start))
    s, a = out["s"], out["a"]
    teacher = numpy_baselines.composition(p, a, fixed["s"])
    m, m_logits = teacher["m"], teacher["m_logits"]
    (_, d1_s), (_, d2_s) = numpy_amid.discriminate(start, m, s)
    aligned = fixed["m"] if detach_teacher else m
    return {
        "classification_loss": numpy_baselines.cross_entropy({**out, "m_logits": m_logits}, y),
        "divergence_loss": reference.jensen_shannon(out["s_logits"], m_logits).mean(),
        "mi_student_loss": reference.mutual_information(aligned, s, y, 0.5).mean(),
        "mi_auxiliary_loss": reference.mutual_information(m, a, y, 0.5).mean(),
        "adversarial_loss": reference.adversarial(d1_s, d2_s, y, (0.5, 0.5), REPEATED),
        "mi_direct_loss": reference.mutual_information(s, fixed["a"], range(len(y)), 0.3).mean(),
    }


def main_loss(p, start, y, detach_teacher):
    values = terms(p, start, y, detach_teacher)
    return sum({**WEIGHTS, "mi_direct_loss": 3.0}.get(name, 1.0) * v for name, v in values.items())


def discriminator_loss(p, start, y, detach_teacher):
    fixed = numpy_baselines.ccl_forward(start, X)
    d1, d2 = numpy_amid.discriminate(p, fixed["m"], fixed["s"])
    return reference.discriminator(*d1, *d2, y, (0.5, 0.5), REPEATED)


@pytest.mark.parametrize("detach_teacher", [True, False])
def test_each_group_steps_along_the_gradient_of_its_own_loss(detach_teacher):
    model = made(direct_weight=3.0, direct_temperature=0.3, detach_teacher=detach_teacher)
    model.compile(optimizer=tiny.sgd(0.1), **tiny.FEW_STEPS)
    start = numpy_amid.parameters(model)
    logs = model.train_on_batch(X, Y, return_dict=True)
    for name, value in terms(start, start, Y).items():
        assert float(logs[name]) == pytest.approx(value, rel=2e-4), name
    after, seen = numpy_amid.parameters(model), set()
    for path in (v.path for v in model.trainable_variables):
        group = numpy_amid.group(path)
        loss = main_loss if group == "main" else discriminator_loss
        expected = numpy_amid.numerical_gradient(
            start, path, lambda p, loss=loss: loss(p, start, Y, detach_teacher)
        )
        change = (start[path] - after[path]) / 0.1
        np.testing.assert_allclose(change, expected, rtol=5e-3, atol=3e-3, err_msg=path)
        assert np.abs(expected).max() > 1e-4, f"{path} is not tested: no gradient"
        seen.add(group)
    assert len(seen) == 3


def test_in_the_warm_up_only_the_agreement_counts():
    model = made()
    model.compile(optimizer=tiny.sgd(0.1), **tiny.FEW_STEPS)
    model.state.begin_epoch(0, after_warmup=False, smoothing=0.9)
    logs = {k: float(v) for k, v in model.train_on_batch(X, Y, return_dict=True).items()}
    expected = logs["classification_loss"] + logs["divergence_loss"]
    assert logs["loss"] == pytest.approx(expected, rel=1e-5) and logs["mi_direct_loss"] > 0


def test_an_unlabelled_pair_is_aligned_like_any_other():
    labels, alone = np.array([0, -1, 1, -1, 0, 0]), np.array([0, 7, 1, 8, 0, 0])
    model = made(semi_supervised=True, direct_temperature=0.3)
    p = numpy_amid.parameters(model)
    expected = terms(p, p, alone % 3)  # of which the cross-entropies are others
    model.compile(optimizer=tiny.sgd(0.1), **tiny.FEW_STEPS)
    logs = model.test_on_batch(X, labels, return_dict=True)
    assert float(logs["mi_direct_loss"]) == pytest.approx(expected["mi_direct_loss"], rel=2e-4)
    out = numpy_baselines.ccl_forward(p, X)
    aligned = reference.mutual_information(out["m"], out["s"], alone, 0.5).mean()
    assert float(logs["mi_student_loss"]) == pytest.approx(aligned, rel=2e-4)
    known = labels >= 0
    cross_entropy = sum(
        reference.cross_entropy(out[side][known], labels[known]).mean()
        for side in ("s_logits", "m_logits")
    )
    assert float(logs["classification_loss"]) == pytest.approx(cross_entropy, rel=2e-4)


def test_teacher_and_student_save_alone(tmp_path):
    model = made(direct_weight=3.0)
    for name, inputs in (("student", {"video": X["video"]}), ("teacher", X)):
        part = getattr(model, name)
        part.save(tmp_path / f"{name}.keras")
        loaded = keras.saving.load_model(tmp_path / f"{name}.keras")
        logits = [keras.ops.convert_to_numpy(m(inputs)["logits"]) for m in (part, loaded)]
        np.testing.assert_array_equal(*logits)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="`direct_temperature` must be .*> 0; received 0"):
        made(direct_temperature=0)
    with pytest.raises(ValueError, match="`direct_weight` must be .*>= 0; received -1"):
        made(direct_weight=-1)
    teacher = tiny.method("TeacherOnly", dim=3)
    with pytest.raises(ValueError, match="`fixed_teacher` must be None for DirectAMID"):
        made(fixed_teacher=teacher)
    assert not isinstance(tiny.amid(), ka.DirectAMID)
