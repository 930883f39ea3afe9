"""What all methods share: data in, figures out, however it is compiled."""

import keras
import numpy as np
import pytest
import streams
import tiny

import keras_amid as ka

# Keras's own, of a generator that ends: it cannot know its length
pytestmark = pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")

TWO, Y = tiny.data(12)
LOGS = {
    "loss", "student_accuracy", "teacher_accuracy", "auxiliary_accuracy",
    "classification_loss", "divergence_loss",
    "mi_student_loss", "mi_auxiliary_loss", "adversarial_loss", "discriminator_loss",
    "mi_student_bound", "mi_auxiliary_bound", "instance_cosine", "class_cosine",
    "lambda_1", "lambda_2",
}  # fmt: skip


@pytest.fixture(scope="module")
def trained():
    """An AMID after one epoch, and the logs of it."""
    keras.utils.set_random_seed(0)
    model = tiny.amid()
    model.compile(optimizer=tiny.adam(), jit_compile=tiny.JIT)
    history = model.fit(TWO, Y, batch_size=5, verbose=0, validation_data=(TWO, Y))
    return model, history.history


# What comes out.


def test_logs_have_their_names(trained):
    _, history = trained
    without_twin = {"lambda_1", "lambda_2"}
    assert set(history) == LOGS | {f"val_{name}" for name in LOGS - without_twin}
    assert all(np.isfinite(values).all() for values in history.values())


def test_predict_gives_the_students_probabilities(trained):
    model, _ = trained
    outputs = model.student.predict({"video": TWO["video"]}, verbose=0)
    logits = outputs["logits"]
    softmax = np.exp(logits - logits.max(1, keepdims=True))
    softmax /= softmax.sum(1, keepdims=True)
    got = model.predict({"video": TWO["video"]}, verbose=0)
    np.testing.assert_allclose(got, softmax, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        model.predict(TWO, batch_size=5, verbose=0), got, rtol=1e-5, atol=1e-6
    )
    whole = model(TWO, training=False)
    whole = {name: keras.ops.convert_to_numpy(value) for name, value in whole.items()}
    np.testing.assert_allclose(whole["student_logits"], logits, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(whole["student"], outputs["representation"], rtol=1e-5, atol=1e-6)


def test_student_is_a_plain_model_that_shares_the_weights(trained):
    model, _ = trained
    student = model.student
    assert isinstance(student, keras.Model) and not isinstance(student, ka.Distiller)
    shared = {id(v) for v in model.variables}
    assert student.variables and all(id(v) in shared for v in student.variables)
    assert not any("teacher" in v.path or "discriminator" in v.path for v in student.variables)


@pytest.mark.parametrize("kind", streams.KINDS)
def test_predict_takes_every_stream(trained, kind):
    """With the target modality alone, and with modalities and labels that it does not need."""
    model, _ = trained
    expected = model.predict(TWO, verbose=0)
    for data in [({"video": TWO["video"]},), (TWO,), (TWO, Y)]:
        stream = streams.of_batches(kind, streams.batches(5, *data))
        np.testing.assert_allclose(model.predict(stream, verbose=0), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", streams.KINDS)
def test_evaluate_takes_every_stream_with_the_target_modalities_only(trained, kind):
    model, _ = trained
    video = {"video": TWO["video"]}
    expected = model.evaluate(video, Y, batch_size=5, verbose=0, return_dict=True)
    assert set(expected) == {"loss", "student_accuracy", "classification_loss"}
    stream = streams.of_batches(kind, streams.batches(5, video, Y))
    got = model.evaluate(stream, verbose=0, return_dict=True)
    assert got == pytest.approx(expected, rel=1e-6)

    probabilities = model.predict(video, verbose=0)
    assert got["loss"] == pytest.approx(-np.log(probabilities[np.arange(12), Y]).mean(), rel=1e-5)
    assert got["student_accuracy"] == pytest.approx((probabilities.argmax(1) == Y).mean())


@pytest.mark.parametrize("kind", streams.KINDS)
def test_fit_takes_every_stream(kind):
    results = []
    for kind_ in ("arrays", kind):
        model = tiny.amid()
        tiny.set_weights_from_seed(model)
        model.compile(optimizer=tiny.sgd(), jit_compile=tiny.JIT)
        if kind_ == "arrays":
            history = model.fit(TWO, Y, batch_size=5, shuffle=False, verbose=0)
        else:
            stream = streams.of_batches(kind, streams.batches(5, TWO, Y))
            history = model.fit(stream, shuffle=False, verbose=0)
        results.append({name: values[0] for name, values in history.history.items()})
    assert results[1] == pytest.approx(results[0], rel=1e-5, abs=1e-6)


def test_validation_with_the_target_modalities_only(trained):
    model, _ = trained
    history = model.fit(
        TWO, Y, validation_data=({"video": TWO["video"]}, Y), batch_size=5, verbose=0
    ).history
    twins = {"val_loss", "val_student_accuracy", "val_classification_loss"}
    assert set(history) == LOGS | twins


def test_validation_split(trained):
    model, _ = trained
    history = model.fit(TWO, Y, validation_split=0.25, batch_size=5, verbose=0).history
    assert "val_student_accuracy" in history and "val_mi_student_loss" in history
    assert set(history) >= LOGS


def test_single_batches(trained):
    model, _ = trained
    logs = model.test_on_batch(TWO, Y, return_dict=True)
    assert logs == pytest.approx(
        model.evaluate(TWO, Y, batch_size=12, verbose=0, return_dict=True), rel=1e-5
    )
    before = model.student.get_weights()
    assert set(model.train_on_batch(TWO, Y, return_dict=True)) == LOGS
    after = model.student.get_weights()
    assert not all(np.array_equal(a, b) for a, b in zip(after, before, strict=True))


def test_represent(trained):
    model, _ = trained
    everything = model.represent(TWO)
    assert set(everything) == {"student", "teacher", "auxiliary"}
    assert {array.shape for array in everything.values()} == {(12, 4)}
    alone = model.represent({"video": TWO["video"]}, batch_size=5)
    assert set(alone) == {"student"}
    np.testing.assert_allclose(alone["student"], everything["student"], rtol=1e-5, atol=1e-6)
    stream = streams.of_batches("tf_data", streams.batches(5, TWO, Y))
    np.testing.assert_allclose(
        model.represent(stream)["teacher"], everything["teacher"], rtol=1e-5, atol=1e-6
    )


# How it is compiled.


def losses_and_weights(**options):
    model = tiny.amid()
    tiny.set_weights_from_seed(model)
    jit = tiny.JIT and "run_eagerly" not in options
    model.compile(optimizer=tiny.sgd(), **{"jit_compile": jit, **options})
    history = model.fit(TWO, Y, batch_size=6, epochs=2, shuffle=False, verbose=0).history
    return history, tiny.weights(model)


@pytest.fixture(scope="module")
def usual():
    keras.utils.set_random_seed(0)
    return losses_and_weights()


@pytest.mark.parametrize(
    "options",
    [{"jit_compile": True}, {"run_eagerly": True}, {"steps_per_execution": 2}],
    ids=lambda options: next(iter(options)),
)
def test_ways_to_run_give_the_same_losses_and_weights(options, usual):
    if keras.backend.backend() == "torch" and "run_eagerly" not in options:
        pytest.skip("Keras has no steps_per_execution on torch, and no jit by default")
    if keras.backend.backend() == "jax" and "jit_compile" in options:
        pytest.skip("compiled is the usual way there")
    history, weights = losses_and_weights(**options)
    for name, values in usual[0].items():
        np.testing.assert_allclose(history[name], values, rtol=2e-5, atol=1e-6, err_msg=name)
    for path, array in usual[1].items():
        np.testing.assert_allclose(weights[path], array, rtol=1e-4, atol=1e-5, err_msg=path)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="it traces twice, else")
def test_a_step_is_traced_once():
    traced, model = [], tiny.amid()
    original = model.distillation_loss
    model.distillation_loss = lambda batch: traced.append(batch) or original(batch)
    model.compile(optimizer=tiny.adam(), jit_compile=False)
    model.fit(TWO, Y, batch_size=6, epochs=2, verbose=0)
    model.fit(TWO, Y, batch_size=6, verbose=0)
    assert len(traced) == 1


def test_compiled_metrics_see_the_students_probabilities():
    model = tiny.amid()
    model.compile(
        optimizer=tiny.sgd(0.0),
        metrics=[
            keras.metrics.SparseTopKCategoricalAccuracy(2, name="top_2"),
            keras.metrics.SparseCategoricalCrossentropy(name="entropy"),
        ],
        jit_compile=tiny.JIT,
    )
    history = model.fit(TWO, Y, batch_size=12, verbose=0).history
    probabilities = model.predict(TWO, verbose=0)
    top_2 = np.argsort(probabilities, axis=1)[:, -2:]
    assert history["top_2"][0] == pytest.approx((top_2 == Y[:, None]).any(1).mean())
    expected = -np.log(probabilities[np.arange(12), Y]).mean()
    assert history["entropy"][0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "given, call",
    [
        (given, call)
        for given in ({"loss": "mse"}, {"loss_weights": [1.0]})
        for call in ("fit", "evaluate", "train_on_batch", "test_on_batch")
    ],
)
def test_a_compiled_loss_is_refused(given, call):
    model = tiny.amid()
    model.compile(optimizer="sgd", **tiny.FEW_STEPS, **given)
    with pytest.raises(ValueError, match=f"`{next(iter(given))}` of `compile` must be None"):
        getattr(model, call)(TWO, Y)


@pytest.mark.parametrize("policy", ["float64", "mixed_bfloat16"])
def test_every_dtype_policy_trains(policy):
    """Also float64, where some networks are float32 all the same."""
    if policy == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX has float64 only where jax_enable_x64 is set before anything else")
    keras.config.set_dtype_policy(policy)
    model = tiny.amid(train_auxiliary=True)
    model.compile(optimizer=tiny.sgd(1e-2), **tiny.FEW_STEPS)
    loss = model.fit(TWO, Y, batch_size=5, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(loss).all()
    assert model.predict(TWO, verbose=0).shape == (12, 3)
