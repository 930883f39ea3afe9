"""AMIDSchedule: warm-up and lambda by hand, the order of callbacks, resuming."""

import json
import math
import runpy
import signal

import keras
import numpy as np
import processes
import pytest
import scripts_runner
import tiny

import keras_amid as ka


def lambdas_by_hand(history, smoothing=0.9):
    """lambda of each epoch by Eq. 14, from the logged cosines."""
    tilde, rows = [0.0, 0.0], []
    for cosines in zip(history["instance_cosine"], history["class_cosine"], strict=True):
        e = [math.exp(t) for t in tilde]
        rows.append([e[0] / sum(e), e[1] / sum(e)])
        tilde = [
            smoothing * t + (1 - smoothing) * (1 - c) for t, c in zip(tilde, cosines, strict=True)
        ]
    return np.array(rows), tilde


@pytest.mark.parametrize("smoothing", [0.9, 0.3, 1.0])
def test_lambda_follows_eq_14_from_the_first_epoch_on(smoothing):
    model = tiny.amid()
    model.compile(optimizer=tiny.adam(0.05), jit_compile=tiny.JIT)
    x, y = tiny.data(24)
    schedule = ka.AMIDSchedule(warmup_epochs=2, smoothing=smoothing)
    history = model.fit(x, y, batch_size=8, epochs=5, verbose=0, callbacks=[schedule]).history
    expected, tilde = lambdas_by_hand(history, smoothing)
    got = np.stack([history["lambda_1"], history["lambda_2"]], axis=1)
    np.testing.assert_allclose(got, expected, atol=1e-6)
    np.testing.assert_allclose(model.state.lambda_tilde.numpy(), tilde, atol=1e-6)
    if smoothing < 1:
        assert abs(got[-1, 0] - 0.5) > 1e-4
    assert "val_lambda_1" not in history


def test_epoch_without_pairs_leaves_lambda_2():
    model = tiny.amid(num_classes=8)
    model.compile(optimizer=tiny.adam(), jit_compile=tiny.JIT)
    x, _ = tiny.data(8)
    schedule = ka.AMIDSchedule(warmup_epochs=0, smoothing=0.5)
    model.fit(x, np.arange(8), batch_size=4, epochs=2, verbose=0, callbacks=[schedule])
    first, second = model.state.lambda_tilde.numpy()
    assert first != 0 and second == 0


def test_warmup_trains_with_classification_and_divergence_only():
    model = tiny.amid()
    model.compile(optimizer=tiny.adam(), jit_compile=tiny.JIT)
    x, y = tiny.data(16)
    before = tiny.weights(model)
    schedule = ka.AMIDSchedule(warmup_epochs=2)
    history = model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[schedule]).history
    for epoch in range(2):
        expected = history["classification_loss"][epoch] + history["divergence_loss"][epoch]
        assert history["loss"][epoch] == pytest.approx(expected, rel=1e-5)
    after = tiny.weights(model)
    changed = {path for path in before if not np.array_equal(before[path], after[path])}
    assert not any("discriminator/" in path for path in changed)
    assert not any("auxiliary_projection" in path for path in changed)
    assert any("teacher_mlp" in path for path in changed)

    history = model.fit(
        x, y, batch_size=8, epochs=3, initial_epoch=2, verbose=0, callbacks=[schedule]
    ).history
    names = ("classification_loss", "divergence_loss", "discriminator_loss")
    weighted = (("mi_student_loss", 4.0), ("mi_auxiliary_loss", 1.6), ("adversarial_loss", 1.0))
    expected = sum(history[n][0] for n in names) + sum(w * history[n][0] for n, w in weighted)
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)
    after_warmup = tiny.weights(model)
    for part in ("fundamental_discriminator", "enhanced_discriminator", "auxiliary_projection"):
        moved = [p for p in after if part in p and not np.array_equal(after[p], after_warmup[p])]
        assert moved, part


def test_schedule_is_refused_by_a_model_without_one():
    model = ka.StudentOnly({"video": tiny.extractor(tiny.VIDEO, 4, "e")}, num_classes=3)
    model.compile(optimizer="sgd", jit_compile=tiny.JIT)
    x, y = tiny.data(4)
    with pytest.raises(TypeError, match="AMIDSchedule.*StudentOnly"):
        model.fit({"video": x["video"]}, y, verbose=0, callbacks=[ka.AMIDSchedule()])


@pytest.mark.parametrize("arguments", [{"warmup_epochs": -1}, {"smoothing": 1.5}])
def test_schedule_refuses_bad_arguments(arguments):
    name = next(iter(arguments))
    with pytest.raises(ValueError, match=f"{name}.*received"):
        ka.AMIDSchedule(**arguments)


def test_an_epoch_begun_anew_counts_once():
    """A run cut off within an epoch, and restored from a backup made there, runs it again."""
    state = tiny.amid().state
    state.begin_epoch(0, True, 0.5)
    state.add_cosines(6.0, 8.0, 1.0, 2.0)
    state.begin_epoch(0, True, 0.5)
    state.end_epoch(0.5)
    assert state.lambda_tilde.numpy().tolist() == [0, 0]


SCRIPT = scripts_runner.SCRIPTS / "train_resumable.py"


def train(folder, order):
    """Trains to the end, from a backup where there is one; the weights."""
    runpy.run_path(str(SCRIPT))["main"](folder / "backup", folder / "weights.npz", order)
    with np.load(folder / "weights.npz") as saved:
        return {name: saved[name] for name in saved.files}


def train_and_kill(folder, order, epoch):
    """Trains in a process that is killed within an epoch."""
    marker = folder / "epoch"
    out = folder / "weights.npz"
    process = processes.Process(
        SCRIPT, folder / "backup", out, order, env={"EPOCH_FILE": str(marker)}
    )
    process.wait_until(lambda: marker.exists() and marker.read_text() == str(epoch))
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()
    backup = json.loads((folder / "backup" / "training_metadata.json").read_text())
    assert 0 < backup["epoch"] <= epoch


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return train(tmp_path_factory.mktemp("whole"), "schedule_first")


@pytest.mark.slow
@pytest.mark.parametrize("order", ["schedule_first", "schedule_last"])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, uninterrupted, order):
    """Kill within epoch 3 (the first after the warm-up), resume: bit for bit the same weights,
    whatever the order of the callbacks."""
    train_and_kill(tmp_path, order, epoch=3)
    got = train(tmp_path, order)
    assert got.keys() == uninterrupted.keys()
    for name, array in uninterrupted.items():
        np.testing.assert_array_equal(got[name], array, err_msg=name)
    assert (got["lambda_tilde"] != 0).all()


@pytest.mark.parametrize("one_callback", [True, False])
def test_epochs_count_over_calls_of_fit(one_callback):
    """A loop of `fit(epochs=1)` is the same as one call of as many epochs."""
    x, y = tiny.data(8)
    models = [tiny.amid(), tiny.amid()]
    for model in models:
        tiny.set_weights_from_seed(model)
        model.compile(optimizer=tiny.sgd(), jit_compile=tiny.JIT)
    options = {"batch_size": 4, "shuffle": False, "verbose": 0}
    models[0].fit(x, y, epochs=4, callbacks=[ka.AMIDSchedule(2, 0.5)], **options)
    schedule = ka.AMIDSchedule(2, 0.5)
    switches = []
    for _ in range(4):
        callback = schedule if one_callback else ka.AMIDSchedule(2, 0.5)
        models[1].fit(x, y, epochs=1, callbacks=[callback], **options)
        switches.append(float(keras.ops.convert_to_numpy(models[1].state.after_warmup.value)))
    assert switches == [0, 0, 1, 1]
    one, many = (tiny.weights(model) for model in models)
    for (path, expected), got in zip(one.items(), many.values(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6, err_msg=path)


def test_a_run_that_goes_on_keeps_keras_count():
    """`initial_epoch` after a finished call, and a cut-off run begun again at its own epoch."""
    state = tiny.amid().state
    assert state.epochs_before(0) == 0
    state.begin_epoch(3, True, 0.5)  # cut off within epoch 3
    assert state.epochs_before(3) == 0 and state.epochs_before(4) == 0
    assert state.epochs_before(0) == 4  # another call, not a resumed one
    state.end_training(0.5)
    assert state.epochs_before(4) == 0
    assert state.epochs_before(0) == 4
