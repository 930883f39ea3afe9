"""What every method does alike: data in, figures out, saved, resumed, exported."""

import keras
import numpy as np
import pytest
import streams
import tiny

import keras_amid as ka

#: With batches of 8, a smaller one at the end; where each shape is compiled, there is none.
N = 16 if keras.backend.backend() == "jax" else 20
X, Y = tiny.data(N)
INDEXED = {**X, "index": np.arange(N)}
VIDEO = {"video": X["video"]}
ALONE = {"loss", "student_accuracy", "classification_loss"}


@keras.saving.register_keras_serializable(package="tests")
class LogitMatching(ka.Distiller):
    """A method of a user's own, outside the package: the example of CONTRIBUTING.md."""

    def distillation_loss(self, batch):
        divergence = ka.losses.jensen_shannon_divergence(batch.student_logits, batch.teacher_logits)
        return {
            "classification_loss": (1.0, batch.classification_loss()),
            "divergence_loss": (1.0, divergence),
        }


def extractors():
    return (
        {"video": tiny.extractor(tiny.VIDEO, 4, "video_extractor")},
        {"audio": tiny.extractor(tiny.AUDIO, 3, "audio_extractor")},
    )


def fixed_teacher():
    return ka.AMID(
        *extractors(), num_classes=3, representation_dim=4,
        fixed_teacher=tiny.method("TeacherOnly", audio_features=2),
    )  # fmt: skip


BANKS = {"train_labels": Y, "embedding_dim": 3, "num_negatives": 6}
TEACHER = {"teacher_accuracy"}
BOTH = TEACHER | {"auxiliary_accuracy"}
AMID = {
    "divergence_loss", "mi_student_loss", "adversarial_loss", "discriminator_loss",
    "mi_student_bound", "instance_cosine", "class_cosine",
}  # fmt: skip
#: name -> (makes the model, names logged beyond ALONE, which of them evaluation lacks)
METHODS = {
    "StudentOnly": (lambda: tiny.method("StudentOnly"), set(), set()),
    "TeacherOnly": (lambda: tiny.method("TeacherOnly"), TEACHER, set()),
    "GMC": (lambda: tiny.method("GMC", block=3), BOTH | {"contrastive_loss"}, set()),
    "CCL": (
        lambda: tiny.method("CCL", kl_weight=0.5, kl_temperature=3.0, block=3),
        BOTH | {"contrastive_loss", "divergence_loss", "kl_loss"}, set(),
    ),
    "StudentContrast": (
        lambda: tiny.method("StudentContrast", block=3), TEACHER | {"contrastive_loss"}, set(),
    ),
    "DirectAMID": (
        lambda: tiny.method("DirectAMID", direct_weight=2.0, direct_temperature=0.3),
        BOTH | AMID | {"mi_auxiliary_loss", "mi_auxiliary_bound", "mi_direct_loss"}
        | {"lambda_1", "lambda_2"},
        {"lambda_1", "lambda_2"},
    ),
    "CRD": (
        lambda: tiny.method("CRD", **BANKS), TEACHER | {"contrastive_loss"}, {"contrastive_loss"},
    ),
    "CRD in batch": (lambda: tiny.method("CRD"), TEACHER | {"contrastive_loss"}, set()),
    "CRCD": (
        lambda: tiny.method("CRCD", **BANKS), TEACHER | {"contrastive_loss", "gradient_loss"},
        {"contrastive_loss"},
    ),
    "AMID, fixed teacher": (
        fixed_teacher, TEACHER | AMID | {"lambda_1", "lambda_2"}, {"lambda_1", "lambda_2"},
    ),
    "outside the package": (
        lambda: LogitMatching(*extractors(), num_classes=3, representation_dim=4),
        TEACHER | {"divergence_loss"}, set(),
    ),
}  # fmt: skip


def numbers(variables):
    return [keras.ops.convert_to_numpy(v.value).copy() for v in variables]


def arguments(model):
    """The config without the layers, whose inner names may differ after loading."""
    config = model.get_config()
    return {k: v for k, v in config.items() if k not in ("target", "auxiliary", "fixed_teacher")}


def state(model):
    """Every number that training goes on from, the state of random draws too."""
    return [numbers(model.variables), numbers(model.optimizer.variables)]


def assert_same(arrays, expected):
    keras.tree.map_structure(np.testing.assert_array_equal, arrays, expected)


#: JAX takes long to compile them; the others' steps are compiled in test_equations.py.
HERE = ["CCL", "CRD", "AMID, fixed teacher"] if keras.backend.backend() == "jax" else METHODS


@pytest.fixture(scope="module", params=HERE)
def trained(request):
    """A method's name, its model after an epoch on tf.data that carry the index, and the logs."""
    keras.utils.set_random_seed(0)
    model = METHODS[request.param][0]()
    model.compile(optimizer=keras.optimizers.Adam(0.01), jit_compile=tiny.JIT)
    stream = streams.of_batches("tf_data", streams.batches(8, INDEXED, Y))
    history = model.fit(stream, validation_data=(VIDEO, Y), verbose=0).history
    return request.param, model, history


def test_logs_have_their_names(trained):
    name, _, history = trained
    assert set(history) == ALONE | METHODS[name][1] | {f"val_{log}" for log in ALONE}
    assert all(np.isfinite(values).all() for values in history.values())


def test_evaluate_with_all_modalities(trained):
    name, model, _ = trained
    _, logs, training_only = METHODS[name]
    got = model.evaluate(X, Y, batch_size=N, verbose=0, return_dict=True)
    assert set(got) == (ALONE | logs) - training_only
    assert all(np.isfinite(value) for value in got.values())


def test_predict_and_represent(trained):
    name, model, _ = trained
    probabilities = model.predict(INDEXED, verbose=0)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(model.predict(VIDEO, verbose=0), probabilities, rtol=1e-6)
    representations = model.represent(INDEXED)
    sides = {"student": {"student"}, "AMID, fixed teacher": {"student", "teacher"}}
    key = "student" if name == "StudentOnly" else name
    assert set(representations) == sides.get(key, {"student", "teacher", "auxiliary"})
    assert all(array.shape == (N, 4) for array in representations.values())
    if model.teacher is not None:  # the functional teacher is the one that is trained
        alone = model.teacher(dict(X))["representation"]
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(alone), representations["teacher"], rtol=1e-4, atol=1e-6
        )


def test_saved_and_loaded_it_is_the_same(trained, tmp_path):
    _, model, _ = trained
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert arguments(loaded) == arguments(model)
    assert_same(state(loaded), state(model))
    logits = [keras.ops.convert_to_numpy(m.student(VIDEO)["logits"]) for m in (loaded, model)]
    np.testing.assert_array_equal(*logits)


# What only some have: an index, state, numbers that could overflow.


@pytest.mark.parametrize("name", ["CRD", "CRCD"])
def test_banks_constants_and_draws_go_on_as_if_the_model_had_not_been_saved(name, tmp_path):
    halves = [
        ({key: value[start : start + 8] for key, value in INDEXED.items()}, Y[start : start + 8])
        for start in (0, 8)
    ]
    keras.utils.set_random_seed(1)
    model = tiny.method(name, **BANKS)
    model.compile(optimizer=keras.optimizers.Adam(0.01), **tiny.FEW_STEPS)
    start = numbers(model.memory.variables)
    model.train_on_batch(*halves[0])
    model.save(tmp_path / "model.keras")
    model.train_on_batch(*halves[1])
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.train_on_batch(*halves[1])
    assert_same(state(loaded), state(model))
    after = numbers(model.memory.variables)
    moved = [not np.array_equal(a, b) for a, b in zip(start, after, strict=True)]
    assert sum(moved) == len(moved) - 1, "all but the labels: embeddings, banks, Z, seed"


def test_the_index_is_needed_for_banks_and_checked():
    model = tiny.method("CRD", **BANKS)
    model.compile(optimizer="sgd", **tiny.FEW_STEPS)
    cases = [
        (X, Y, r"missing \['index'\]"),
        ({**X, "index": np.arange(N) + 1}, Y, rf"x\['index'\].*0\.\.{N - 1}.*\[{N}\]"),
        ({**X, "index": np.arange(N) - 1}, Y, rf"x\['index'\].*0\.\.{N - 1}.*\[-1\]"),
        ({**X, "index": np.arange(N) * 1.0}, Y, r"x\['index'\].*integers.*float"),
        ({**X, "index": np.arange(N)[:, None]}, Y, r"x\['index'\].*integers of shape"),
        (INDEXED, (Y + 1) % 3, r"x\['index'\].*place in `train_labels`.*received \[ *0 +1"),
    ]
    for x, y, message in cases:
        with pytest.raises(ValueError, match=message):
            model.fit(x, y, verbose=0)
        stream = streams.of_batches("tf_data", streams.batches(N, x, y))
        with pytest.raises(ValueError, match=message):
            model.fit(stream, verbose=0)
    model.evaluate(X, Y, verbose=0)
    # The index of validation data is another set's.
    model.evaluate({**X, "index": np.arange(N) + 1000}, Y, verbose=0)


def test_no_modality_can_be_named_index():
    audio = {"index": tiny.extractor(tiny.AUDIO, 3, "audio")}
    with pytest.raises(
        ValueError, match=r"names other than.*'index'.*which the data.*received 'index'"
    ):
        ka.GMC({"video": tiny.extractor(tiny.VIDEO, 4, "video")}, audio, num_classes=3)


@pytest.mark.parametrize(
    "name, arguments", [("CRCD", BANKS), ("CRCD", {}), ("CCL", {}), ("GMC", {})]
)
def test_unusual_batches_train_with_finite_losses(name, arguments):
    """One sample; the same one four times, which is one class too."""
    model = tiny.method(name, **arguments)
    model.compile(optimizer=keras.optimizers.SGD(0.1), **tiny.FEW_STEPS)
    for rows in ([5], [5, 5, 5, 5]):
        logs = model.train_on_batch(
            {key: value[rows] for key, value in INDEXED.items()}, Y[rows], return_dict=True
        )
        assert all(np.isfinite(value) for value in logs.values())
        assert all(np.isfinite(array).all() for array in numbers(model.variables))


@pytest.mark.parametrize("name", ["CRCD", "CCL", "GMC"])
def test_half_precision_trains_with_finite_losses(name):
    keras.config.set_dtype_policy("mixed_float16")
    model = METHODS[name][0]()
    model.compile(optimizer=keras.optimizers.Adam(0.01), **tiny.FEW_STEPS)
    for _ in range(2):
        logs = model.train_on_batch(INDEXED, Y, return_dict=True)
    assert all(np.isfinite(value) for value in logs.values())


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch runs eagerly anyway")
def test_compiled_and_eager_steps_are_the_same():
    """With all samples of other classes as negatives: XLA draws other numbers than TensorFlow."""
    x, y = {key: value[:12] for key, value in INDEXED.items()}, np.arange(12) % 3
    results = []
    for options in ({"jit_compile": True}, {"run_eagerly": True, "jit_compile": False}):
        keras.utils.set_random_seed(2)
        model = tiny.method("CRCD", train_labels=y, embedding_dim=3)
        model.compile(optimizer=keras.optimizers.SGD(0.05), **options)
        for _ in range(2):
            model.train_on_batch(x, y)
        results.append(numbers(model.weights))
    for compiled, eager in zip(*results, strict=True):
        np.testing.assert_allclose(eager, compiled, rtol=1e-3, atol=1e-4)


@pytest.mark.any_backend
def test_export_has_the_students_inputs_only(tmp_path):
    import tensorflow as tf

    model = tiny.method("CRD", **BANKS)
    served = tf.saved_model.load(ka.export_student(model, tmp_path / "served"))
    served = served.signatures["serving_default"]
    assert set(served.structured_input_signature[1]) == {"video"}
    got = served(video=tf.constant(X["video"]))["probabilities"].numpy()
    np.testing.assert_allclose(got, model.predict(VIDEO, verbose=0), rtol=1e-5, atol=1e-6)
