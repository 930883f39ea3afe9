"""AMID against the equations: values, gradient routing, logs."""

import keras
import numpy as np
import numpy_amid
import pytest
import reference
import tiny

import keras_amid as ka

Y = np.array([0, 1, 1, 2, 0, 0, 1])
REPEATED = 6


@pytest.fixture
def batch():
    x, _ = tiny.data(len(Y))
    return x


def step(model, x, y=Y, **kwargs):
    """One full-batch SGD step; the logs and each variable's change over -rate."""
    model.compile(optimizer=tiny.sgd(0.1), **tiny.FEW_STEPS)
    before = tiny.weights(model)
    history = model.fit(x, y, batch_size=len(y), epochs=1, shuffle=False, verbose=0, **kwargs)
    after = tiny.weights(model)
    changes = {path: (before[path] - after[path]) / 0.1 for path in before}
    return {k: v[0] for k, v in history.history.items()}, changes


@pytest.mark.parametrize(
    "normalizer, d", [("frequency", REPEATED), ("batch", REPEATED), (2.5, 2.5)]
)
def test_logs_equal_the_equations(batch, normalizer, d):
    model = tiny.amid(pair_normalizer=normalizer)
    p = numpy_amid.parameters(model)
    logs, _ = step(model, batch)
    expected = numpy_amid.components(p, batch, Y, 0.5, (0.5, 0.5), d)
    for name, value in expected.items():
        np.testing.assert_allclose(logs[name], value, rtol=2e-5, err_msg=name)
    total = numpy_amid.objective(expected, 4.0, 1.6, 1.0) + expected["discriminator_loss"]
    np.testing.assert_allclose(logs["loss"], total, rtol=2e-5)

    out = numpy_amid.forward(p, batch)
    cosine = np.array([[reference.cosine(m, s) for s in out["s"]] for m in out["m"]])
    same = (Y[:, None] == Y[None]) & ~np.eye(len(Y), dtype=bool)
    np.testing.assert_allclose(logs["instance_cosine"], np.trace(cosine) / len(Y), rtol=1e-4)
    np.testing.assert_allclose(logs["class_cosine"], cosine[same].mean(), rtol=1e-4)
    per_anchor = reference.mutual_information(out["m"], out["s"], Y, 0.5)
    positives = np.array([(y == Y).sum() for y in Y])
    bound = np.mean(np.log((len(Y) - positives) / positives) - per_anchor)
    np.testing.assert_allclose(logs["mi_student_bound"], bound, rtol=1e-5)
    hits = out["m_logits"].argmax(1) == Y
    np.testing.assert_allclose(logs["teacher_accuracy"], hits.mean(), rtol=1e-6)


@pytest.mark.parametrize("detach_teacher", [False, True])
def test_each_group_steps_along_the_gradient_of_its_own_loss(batch, detach_teacher):
    """L_adv moves the student side only, L_D only the discriminators; MI may spare the teacher."""
    model = tiny.amid(dim=3, train_auxiliary=True, detach_teacher=detach_teacher)
    tiny.set_weights_from_seed(model)
    p = numpy_amid.parameters(model)
    fixed = numpy_amid.forward(p, batch)
    args = (batch, Y, 0.5, (0.5, 0.5), REPEATED)

    def main_loss(moved):
        terms = numpy_amid.components(moved, *args)
        if detach_teacher:
            s = numpy_amid.forward(moved, batch)["s"]
            terms["mi_student_loss"] = reference.mutual_information(fixed["m"], s, Y, 0.5).mean()
        return numpy_amid.objective(terms, 4.0, 1.6, 1.0)

    def discriminator_loss(moved):
        d1, d2 = numpy_amid.discriminate(moved, fixed["m"], fixed["s"])
        return reference.discriminator(*d1, *d2, Y, (0.5, 0.5), REPEATED)

    _, changes = step(model, batch)
    seen = set()
    for variable in model.trainable_variables:
        group = numpy_amid.group(variable.path)
        loss = main_loss if group == "main" else discriminator_loss
        expected = numpy_amid.numerical_gradient(p, variable.path, loss)
        np.testing.assert_allclose(
            changes[variable.path], expected, rtol=2e-3, atol=2e-3, err_msg=variable.path
        )
        assert np.abs(expected).max() > 1e-4, f"{variable.path} is not tested: no gradient"
        seen.add(group)
    assert seen == {"main", "fundamental_discriminator", "enhanced_discriminator"}


def test_sample_weight_weights_every_term(batch):
    model = tiny.amid(pair_normalizer=2.0)
    weight = np.float32([0.5, 2, 0, 1, 3, 1, 0.25])
    p = numpy_amid.parameters(model)
    out = numpy_amid.forward(p, batch)
    (d1_m, d1_s), (d2_m, d2_s) = numpy_amid.discriminate(p, out["m"], out["s"])
    logs, _ = step(model, batch, sample_weight=weight)
    expected = numpy_amid.components(p, batch, Y, 0.5, (0.5, 0.5), 2.0, weight)
    for name in ("classification_loss", "divergence_loss", "mi_student_loss", "mi_auxiliary_loss"):
        np.testing.assert_allclose(logs[name], expected[name], rtol=2e-5, err_msg=name)
    adversarial = 0.0
    for i, w in enumerate(weight):
        adversarial -= 0.5 / len(Y) * w * reference.log_sigmoid(d1_s[i])
        if i in reference.repeated(Y):
            other = reference.next_of_class(Y, i)
            adversarial -= 0.5 / 2.0 * w * reference.log_sigmoid(d2_s[other])
    np.testing.assert_allclose(logs["adversarial_loss"], adversarial, rtol=2e-5)
    discriminator = 0.0
    for i, w in enumerate(weight):
        both = reference.log_sigmoid(d1_m[i]) + reference.log_sigmoid(-d1_s[i])
        discriminator -= 0.5 / len(Y) * w * both
        if i in reference.repeated(Y):
            other = reference.next_of_class(Y, i)
            both = reference.log_sigmoid(d2_m[i]) + reference.log_sigmoid(-d2_s[other])
            discriminator -= 0.5 / 2.0 * w * both
    np.testing.assert_allclose(logs["discriminator_loss"], discriminator, rtol=2e-5)


def test_class_weight_equals_the_same_sample_weight(batch):
    rates = {0: 0.5, 1: 2.0, 2: 1.0}
    results = []
    for kwargs in ({"class_weight": rates}, {"sample_weight": np.float32([rates[y] for y in Y])}):
        model = tiny.amid()
        tiny.set_weights_from_seed(model)
        results.append(step(model, batch, **kwargs))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-6)
    for path, change in results[0][1].items():
        np.testing.assert_allclose(change, results[1][1][path], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("y", [[1] * 7, [0, 1, 2, 3, 4, 5, 6], [2]], ids=["one", "all", "single"])
def test_unusual_batches_train_with_finite_losses(y):
    x, _ = tiny.data(len(y))
    logs, changes = step(tiny.amid(num_classes=7), x, np.array(y))
    assert all(np.isfinite(v) for v in logs.values())
    assert all(np.isfinite(v).all() for v in changes.values())
    if len(y) == 1:
        assert logs["mi_student_loss"] == 0 and logs["mi_auxiliary_loss"] == 0
    if len(set(y)) == len(y):
        assert not any(c.any() for p, c in changes.items() if "enhanced_discriminator" in p)


def test_partial_last_batch_counts_by_its_samples():
    x, y = tiny.data(7)
    model = tiny.amid()
    model.compile(optimizer=tiny.sgd(0.0), **tiny.FEW_STEPS)
    for _ in range(2):  # the second time d no longer depends on the batches' order
        logs = model.fit(x, y, batch_size=3, epochs=1, verbose=0, shuffle=False).history
    whole = model.evaluate(x, y, batch_size=7, verbose=0, return_dict=True)
    for name in ("student_accuracy", "classification_loss", "divergence_loss", "instance_cosine"):
        assert logs[name][0] == pytest.approx(whole[name], rel=1e-5)


def test_frequency_normalizer_is_the_running_mean_of_repeats():
    model = tiny.amid(num_classes=9)
    model.compile(optimizer=tiny.sgd(0.01), **tiny.FEW_STEPS)
    x, _ = tiny.data(12)
    y = np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7])  # w = 2, 0, 4
    mean = None
    for batch, w in enumerate((2, 0, 4)):
        part = slice(4 * batch, 4 * batch + 4)
        model.train_on_batch({k: v[part] for k, v in x.items()}, y[part])
        mean = w if mean is None else 0.9 * mean + 0.1 * w
        assert float(model.state.repeats.numpy()) == pytest.approx(mean, rel=1e-6)
    model.evaluate(x, y, verbose=0)
    assert float(model.state.repeats.numpy()) == pytest.approx(mean, rel=1e-6)


def test_ablations_are_arguments(batch):
    off = {"mi_student_weight": 0.0, "mi_auxiliary_weight": 0.0, "adversarial_weight": 0.0}
    logs, _ = step(tiny.amid(**off), batch)
    parts = ("classification_loss", "divergence_loss", "discriminator_loss")
    assert logs["loss"] == pytest.approx(sum(logs[p] for p in parts), rel=1e-5)

    model = tiny.amid(contrastive_loss="noise_contrastive")
    out = numpy_amid.forward(numpy_amid.parameters(model), batch)
    logs, _ = step(model, batch)
    expected = reference.noise_contrastive(out["m"], out["s"], Y, 0.5).mean()
    assert logs["mi_student_loss"] == pytest.approx(expected, rel=1e-4)

    model = tiny.amid(normalize_positives=True)
    p = numpy_amid.parameters(model)
    logs, _ = step(model, batch)
    out = numpy_amid.forward(p, batch)
    expected = reference.mutual_information(out["m"], out["s"], Y, 0.5, True).mean()
    assert logs["mi_student_loss"] == pytest.approx(expected, rel=1e-4)
    assert "mi_student_bound" not in logs, "there is none"

    model = tiny.amid(use_enhanced_discriminator=False)
    p = numpy_amid.parameters(model)
    logs, changes = step(model, batch)
    expected = numpy_amid.components(p, batch, Y, 0.5, (1.0, 0.0), 1.0)
    assert logs["adversarial_loss"] == pytest.approx(expected["adversarial_loss"], rel=1e-4)
    assert not any(c.any() for path, c in changes.items() if "enhanced_discriminator" in path)
    assert (logs["lambda_1"], logs["lambda_2"]) == (1, 0)


@pytest.fixture
def teacher():
    """A teacher of its own kind: another size of features, and a modality the student has not."""
    return ka.TeacherOnly(
        {"video": tiny.extractor(tiny.VIDEO, 3, "video")},
        {"text": tiny.extractor(tiny.TEXT, 2, "text")},
        num_classes=3,
        representation_dim=4,
    )


def test_fixed_teacher_teaches_and_stays(teacher):
    """Also with a modality for which the student's model has no extractor."""
    x, _ = tiny.data(len(Y), text=True)
    del x["audio"]
    m, logits = (keras.ops.convert_to_numpy(teacher(x)[k]) for k in ("teacher", "teacher_logits"))
    model = ka.AMID(
        {"video": tiny.extractor(tiny.VIDEO, 4, "video")}, num_classes=3, auxiliary={},
        representation_dim=4, fixed_teacher=teacher,
    )  # fmt: skip
    assert not model.fixed_teacher.trainable_variables
    student = {
        k: keras.ops.convert_to_numpy(v) for k, v in model.student({"video": x["video"]}).items()
    }
    weights = model.fixed_teacher.get_weights()
    logs, _ = step(model, x)
    s, s_logits = student["representation"], student["logits"]
    expected = {
        "classification_loss": reference.cross_entropy(s_logits, Y).mean(),
        "divergence_loss": reference.jensen_shannon(s_logits, logits).mean(),
        "mi_student_loss": reference.mutual_information(m, s, Y, 0.5).mean(),
        "teacher_accuracy": (logits.argmax(1) == Y).mean(),
    }
    for name, value in expected.items():
        assert logs[name] == pytest.approx(value, rel=1e-4), name
    assert "mi_auxiliary_loss" not in logs
    total = logs["classification_loss"] + logs["divergence_loss"] + 4 * logs["mi_student_loss"]
    total += logs["adversarial_loss"] + logs["discriminator_loss"]
    assert logs["loss"] == pytest.approx(total, rel=1e-5)
    for before, after in zip(weights, model.fixed_teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(after, before)
    again = keras.ops.convert_to_numpy(model.teacher(x)["representation"])
    np.testing.assert_allclose(again, m, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"missing \['text'\]"):
        model.fit({"video": x["video"]}, Y, verbose=0)


def test_fixed_teachers_that_do_not_fit_are_refused(teacher):
    video = tiny.extractor(tiny.VIDEO, 4, "video")
    for fixed, target, kwargs, message in (
        (teacher, video, {"num_classes": 5}, "num_classes=5; received one with 4 and 3"),
        (teacher, teacher.target_extractors["video"], {}, r"of its own.*\['video'\]"),
        (teacher.student, video, {}, r"more modalities.*\['video'\]"),
        (video, video, {}, "built model of keras_amid with a teacher"),
        (tiny.method("StudentOnly"), video, {}, "built model of keras_amid with a teacher"),
    ):
        with pytest.raises(ValueError, match=f"`fixed_teacher`.*{message}"):
            arguments = {"num_classes": 3, "representation_dim": 4, **kwargs}
            ka.AMID({"video": target}, {}, **arguments, fixed_teacher=fixed)


@pytest.mark.parametrize(
    "argument, value",
    [
        ("temperature", 0.0),
        ("temperature", -1),
        ("mi_student_weight", -0.1),
        ("mi_auxiliary_weight", -1),
        ("adversarial_weight", float("nan")),
        ("pair_normalizer", 0),
        ("pair_normalizer", "often"),
        ("num_classes", 1),
        ("num_classes", None),
        ("representation_dim", 0),
        ("projection", "never"),
        ("contrastive_loss", "clip"),
    ],
)
def test_arguments_out_of_their_domain_are_refused(argument, value):
    arguments = {"num_classes": 3, "representation_dim": 4, argument: value}
    target = {"video": tiny.extractor(tiny.VIDEO, 4, "video")}
    with pytest.raises(ValueError, match=f"{argument}.*received {value!r}"):
        ka.AMID(target, {"audio": tiny.extractor(tiny.AUDIO, 4, "audio")}, **arguments)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"])
def test_low_precision_policies_train_with_finite_losses(policy):
    keras.config.set_dtype_policy(policy)
    model = tiny.amid()
    model.compile(optimizer=tiny.adam(1e-2), **tiny.FEW_STEPS)
    x, y = tiny.data(20)
    history = model.fit(
        x, y, validation_data=(x, y), batch_size=10, epochs=5, verbose=0,
        callbacks=[ka.AMIDSchedule(warmup_epochs=1)],
    ).history  # fmt: skip
    assert all(np.isfinite(values).all() for values in history.values())
    if policy.startswith("mixed"):  # with all in half precision Keras's Adam may stand still
        assert history["val_classification_loss"][-1] < history["val_classification_loss"][0]
    probabilities = model.predict(x, verbose=0)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-3)
