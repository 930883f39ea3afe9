"""What the authors' code of the compared methods has beyond the formulas of their papers."""

import keras
import numpy as np
import numpy_amid
import numpy_baselines
import pytest
import reference
import tiny
from keras import ops

import keras_amid as ka
from keras_amid.experiments import rows

Y = np.array([0, 1, 2, 0, 1, 2])
X, _ = tiny.data(6, text=True)


def made(name, target=("video",), **kwargs):
    sizes = {"video": tiny.VIDEO, "audio": tiny.AUDIO, "text": tiny.TEXT}
    extractors = {m: tiny.extractor(n, 3, f"{m}_extractor") for m, n in sizes.items()}
    target = {m: extractors.pop(m) for m in target}
    model = getattr(ka, name)(target, extractors, num_classes=3, representation_dim=4, **kwargs)
    tiny.set_weights_from_seed(model)
    return model


def outputs(model, x=X):
    arrays = keras.tree.map_structure(ops.convert_to_numpy, model(x))
    return {**arrays, **arrays.pop("modalities")}


def loss(model, x=X, labels=Y, **kwargs):
    """The loss of a batch, and the batch."""
    batch = ka.Batch(labels, model(x), **kwargs)
    terms = model.distillation_loss(batch).values()
    return float(
        np.mean(sum(ops.convert_to_numpy(w) * ops.convert_to_numpy(v) for w, v in terms))
    ), batch


def test_ccl_makes_a_composition_of_each_auxiliary_modality():
    model = made("CCL", per_modality=True, temperature=0.6)
    out, p = outputs(model), numpy_amid.parameters(model)
    v, v_logits = out["student"], out["student_logits"]
    sym, divergence = reference.symmetric_noise_contrastive, reference.symmetric_kl
    student = reference.cross_entropy(v_logits, Y).mean()
    compositions, logits = 0.0, []
    for m in ("audio", "text"):
        a = out[m]
        residual = np.concatenate([reference.unit(a), reference.unit(v)], axis=1)
        path = f"composition_{m}_dense"
        av = a + numpy_amid.dense(p, path, residual)
        av_logits = numpy_amid.dense(p, "classifier", av)
        near, div = sym(v, av, Y, 0.6).mean(), divergence(v_logits, av_logits).mean()
        student += (near + sym(v, a, Y, 0.6).mean() + div) / 2
        compositions += reference.cross_entropy(av_logits, Y).mean()
        compositions += near + sym(av, a, Y, 0.6).mean() + div
        logits.append(av_logits)
    assert loss(model)[0] == pytest.approx(student + compositions, rel=1e-4)
    np.testing.assert_allclose(out["teacher_logits"], np.mean(logits, axis=0), atol=1e-5)


def test_gmc_has_a_term_of_each_modality():
    model = made("GMC", ("video", "text"), per_modality=True, temperature=0.5, embedding_dim=3)
    out, p = outputs(model), numpy_amid.parameters(model)
    joint = numpy_amid.dense(p, "shared_projection", out["teacher"])
    expected = numpy_baselines.cross_entropy({"s_logits": out["student_logits"],
                                              "m_logits": out["teacher_logits"]}, Y)  # fmt: skip
    for m in ("video", "text", "audio"):
        z = numpy_amid.dense(p, "shared_projection", out[m])
        expected += reference.geometric_multimodal(joint, z, 0.5, True).mean()
    assert loss(model)[0] == pytest.approx(expected, rel=1e-4)


def test_a_step_reaches_every_network_of_each_modality(tmp_path):
    for name in ("CCL", "GMC"):
        model = made(name, per_modality=True)
        model.compile(optimizer="sgd", **tiny.FEW_STEPS)
        before = tiny.weights(model)
        model.train_on_batch(X, Y)
        own = [v.path for v in model.trainable_variables if "audio" in v.path or "text" in v.path]
        assert own
        for path in own:
            if path.endswith("kernel"):
                assert (tiny.weights(model)[path] != before[path]).any(), path
        assert set(model.represent(X)) == {"student", "teacher", "auxiliary"}
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(loss(loaded)[0], loss(model)[0], rtol=1e-6)


def test_one_auxiliary_modality_is_the_same_either_way():
    x = {m: X[m] for m in ("video", "audio")}
    for name in ("CCL", "GMC"):
        models = [tiny.method(name, per_modality=per_modality) for per_modality in (False, True)]
        paths = [[v.path for v in model.variables] for model in models]
        assert paths[0] == paths[1]
        for model in models:
            tiny.set_weights_from_seed(model)
        assert loss(models[0], x)[0] == loss(models[1], x)[0]


def test_crcd_has_the_kl_of_its_code_until_the_last_part_of_the_training():
    model = made("CRCD", embedding_dim=3, kl_weight=0.9)
    out = keras.tree.map_structure(ops.convert_to_numpy, model(X))
    without, _ = loss(tiny_twin := made("CRCD", embedding_dim=3))
    kl = reference.tempered_kl(out["teacher_logits"], out["student_logits"], 4.0).mean()
    assert loss(model)[0] == pytest.approx(without + 0.9 * kl, rel=1e-4)
    schedule = ka.CRCDSchedule(last=0.25)
    schedule.set_model(model)
    schedule.set_params({"epochs": 8})
    on = []
    for epoch in range(8):
        schedule.on_epoch_begin(epoch)
        on.append(float(model.switch.on.value))
    assert on == [1, 1, 1, 1, 1, 1, 0, 0]
    tiny_twin.contrastive_weight = 0.0
    assert loss(model)[0] == pytest.approx(loss(tiny_twin)[0], rel=1e-6)
    with pytest.raises(TypeError, match="schedules a keras_amid.CRCD; received a GMC"):
        schedule.set_model(tiny.method("GMC"))
        schedule.on_train_begin()


@pytest.mark.parametrize("name", ["CRD", "CRCD"])
def test_negatives_may_be_given(name):
    """The loss over them alone, of the batch's own rows and of the banks."""
    negatives = np.array([[1, 2], [0, 2], [0, 1], [4, 5], [3, 5], [3, 4]])
    out = {"CRD": numpy_baselines.crd_out, "CRCD": numpy_baselines.crcd_out}[name]
    labels = np.array([0, 1, 2, 3, 4, 5])  # so that `out` takes all others: two are, in pairs of 3
    for first in (0, 3):
        part = slice(first, first + 3)
        x = {m: X[m][part] for m in X}
        model = made(name, embedding_dim=3, temperature=0.3)
        z = numpy_baselines.embeddings(
            p := numpy_amid.parameters(model),
            {"s": ops.convert_to_numpy(model(x)["student"]),
             "m": ops.convert_to_numpy(model(x)["teacher"])},
        )  # fmt: skip
        own = np.arange(3)
        outs = out(z[0], z[1], own, labels[:3], 0.3), out(z[1], z[0], own, labels[:3], 0.3)
        zs = [numpy_baselines.normalizer(rows_, 3) for rows_ in outs]
        batch = ka.Batch(np.array([0, 0, 1]), model(x))  # by labels, others would be negatives
        got = model.contrastive_loss(batch, negatives=negatives[part] - first)
        expected = numpy_baselines.noise_contrast(outs, zs, 3)
        assert ops.convert_to_numpy(got).mean() == pytest.approx(expected, rel=1e-4)
        assert p
    model = made(name, train_labels=np.array([0, 1, 2, 0, 1, 2, 2]), embedding_dim=3)
    batch = ka.Batch(Y, model(X), index=np.array([3, 0, 5, 1, 4, 2]))
    once, again = (
        ops.convert_to_numpy(model.contrastive_loss(batch, negatives=negatives)) for _ in range(2)
    )
    np.testing.assert_array_equal(once, again)  # nothing is drawn


def test_both_directions_of_ccls_nce_in_amid():
    model = tiny.amid(contrastive_loss="symmetric_noise_contrastive", temperature=0.4)
    batch = ka.Batch(Y, model({m: X[m] for m in ("video", "audio")}))
    l_mi_s, l_mi_a = model.mutual_information_losses(batch)
    m, s, a = (ops.convert_to_numpy(r) for r in (batch.teacher, batch.student, batch.auxiliary))
    for got, other in ((l_mi_s, s), (l_mi_a, a)):
        expected = reference.symmetric_noise_contrastive(m, other, Y, 0.4)
        np.testing.assert_allclose(ops.convert_to_numpy(got), expected, rtol=1e-4)


@pytest.mark.any_backend
def test_rows_have_the_authors_forms():
    settings = rows.Settings(num_classes=3, representation_dim=4, train_labels=Y)
    sizes = {"audio": tiny.AUDIO, "text": tiny.TEXT}
    built = {}
    for name in ("CCL", "GMC", "CRCD"):
        video = {"video": tiny.extractor(tiny.VIDEO, 4, "video")}
        auxiliary = {m: tiny.extractor(n, 4, m) for m, n in sizes.items()}
        built[name] = rows.build(name, video, auxiliary, settings)
    assert built["CCL"][0].separate_modalities == built["GMC"][0].separate_modalities
    assert built["CRCD"][0].kl_weight == 0.9
    assert [type(c) for c in built["CRCD"][1]] == [ka.CRCDSchedule]
