import json
import shutil

import keras
import numpy as np
import pytest

from keras_amid.experiments import (
    EpochBackup,
    EpochLog,
    Progress,
    TensorBoardLog,
    claim,
    fit,
    read_history,
)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 3)).astype("float32"), np.arange(8) % 2


class Cut(keras.callbacks.Callback):
    """Stops the process, so to speak, at the end of an epoch, before it is backed up."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


class Batches(keras.utils.PyDataset):
    """Two batches, in this order in every epoch."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return X[4 * index : 4 * index + 4], Y[4 * index : 4 * index + 4]


def model():
    keras.utils.set_random_seed(1)
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "softmax")])
    made.compile(optimizer=keras.optimizers.Adam(0.1), loss="sparse_categorical_crossentropy")
    return made


def test_cut_off_and_called_again_it_ends_as_if_uninterrupted(tmp_path):
    whole, cut = model(), model()
    expected = fit(whole, Batches(), epochs=4, folder=tmp_path / "whole", validation=Batches())
    with pytest.raises(KeyboardInterrupt):
        fit(
            cut, Batches(), epochs=4, folder=tmp_path / "cut", validation=Batches(),
            callbacks=[Cut(2)],
        )  # fmt: skip
    again = model()
    history = fit(again, Batches(), epochs=4, folder=str(tmp_path / "cut"), validation=Batches())
    assert history == expected and set(history) == {"loss", "val_loss"}
    assert len(history["loss"]) == 4
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    # A finished run is read back, whatever the data.
    read = model()
    assert fit(read, None, epochs=4, folder=tmp_path / "cut") == expected
    np.testing.assert_array_equal(read.get_weights()[0], whole.get_weights()[0])


def test_an_epoch_that_was_logged_but_not_backed_up_is_logged_once(tmp_path):
    made = model()

    class CutInBackup(EpochBackup):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt
            super().on_epoch_end(epoch, logs)

    log, backup = EpochLog(tmp_path / "history.csv"), CutInBackup(tmp_path / "backup")
    with pytest.raises(KeyboardInterrupt):
        made.fit(Batches(), epochs=3, verbose=0, shuffle=False, callbacks=[log, backup])
    assert len(read_history(tmp_path / "history.csv")["loss"]) == 2
    history = fit(model(), Batches(), epochs=3, folder=tmp_path)
    assert len(history["loss"]) == 3
    assert history == fit(model(), Batches(), epochs=3, folder=tmp_path / "whole")


@pytest.mark.parametrize("damage", ["cut", "gone", "digit"])
@pytest.mark.parametrize("epochs", [2, 4])
def test_a_history_that_was_damaged_is_put_right(tmp_path, damage, epochs):
    log = tmp_path / "history.csv"
    before = fit(model(), Batches(), epochs=2, folder=tmp_path)
    text = log.read_text()
    log.write_text({"cut": text[:-9], "digit": text.replace("1,0.", "1,1.")}.get(damage, text))
    if damage == "gone":
        log.unlink()
    if epochs == 4:
        (tmp_path / "final.weights.h5").unlink()
    after = fit(model(), Batches(), epochs=epochs, folder=tmp_path)
    assert {name: values[:2] for name, values in after.items()} == before
    assert log.read_text().startswith(text) and len(after["loss"]) == epochs
    (tmp_path / "history.json").unlink()
    log.write_text(text[:-9])
    with pytest.raises(ValueError, match="history.csv is damaged: it ends within a row"):
        read_history(log)


def test_a_full_disk_costs_the_epoch_that_had_no_room(tmp_path, monkeypatch):
    expected = fit(model(), Batches(), epochs=3, folder=tmp_path / "whole")
    free = iter([10**6, 0])
    with monkeypatch.context() as patch:
        usage = shutil.disk_usage
        patch.setattr(shutil, "disk_usage", lambda path: usage(path)._replace(free=next(free)))
        with pytest.raises(OSError, match=r"No space left on device.*000002.weights.h5"):
            fit(model(), Batches(), epochs=3, folder=tmp_path / "cut")
    left = [path.name for path in (tmp_path / "cut").rglob("*") if path.is_file()]
    assert sorted(left) == ["000001.weights.h5", "history.csv", "history.json"]
    assert fit(model(), Batches(), epochs=3, folder=tmp_path / "cut") == expected


def test_one_backup_is_kept(tmp_path):
    made, backup = model(), EpochBackup(tmp_path)
    assert backup.restore(made) == 0
    made.fit(X, Y, epochs=3, verbose=0, callbacks=[backup])
    assert [path.name for path in tmp_path.iterdir()] == ["000003.weights.h5"]
    other = model()
    assert backup.restore(other) == 3
    np.testing.assert_array_equal(other.get_weights()[0], made.get_weights()[0])
    assert int(other.optimizer.iterations) == 3


@pytest.mark.any_backend
def test_progress_shows_epochs_and_validation_accuracies(capsys, monkeypatch):
    monkeypatch.setattr("keras_amid.data.storage.progress._is_terminal", lambda stream: True)
    progress = Progress("mine", 2)
    progress.on_train_begin()
    progress.on_epoch_begin(1)
    progress.on_epoch_end(1, {"loss": 3.0, "val_student_accuracy": 0.256})
    progress.on_train_end()
    shown = capsys.readouterr().err
    assert "mine" in shown and "2/2" in shown and "student=25.6 %" in shown and "3.0" not in shown


@pytest.mark.any_backend
@pytest.mark.parametrize("terminal", [True, False])
def test_an_epoch_is_a_line_with_three_accuracies(capsys, monkeypatch, terminal):
    place = "keras_amid.data.storage.progress"
    monkeypatch.setattr(f"{place}._is_terminal", lambda stream: terminal)
    monkeypatch.setattr(f"{place}.SECONDS", 0.0)
    sides, progress = ("student", "teacher", "auxiliary"), Progress("mine", 2)
    progress.on_train_begin()
    for epoch in (0, 1):
        logs = {f"{side}_accuracy": 0.5 + 0.1 * n + epoch / 50 for n, side in enumerate(sides)}
        logs |= {f"val_{name}": value - 0.25 for name, value in logs.items()}
        progress.on_epoch_begin(epoch)
        progress.on_epoch_end(epoch, {**logs, "loss": 7.25, "lambda_1": 0.5, "class_cosine": 0.1})
    progress.on_train_end()
    lines = capsys.readouterr().err.replace("\r", "\n").splitlines()
    figures = (
        "validation student=25.0 % teacher=35.0 % auxiliary=45.0 %, "
        "training student=50.0 % teacher=60.0 % auxiliary=70.0 %",
        "validation student=27.0 % teacher=37.0 % auxiliary=47.0 %, "
        "training student=52.0 % teacher=62.0 % auxiliary=72.0 %",
    )
    for epoch, text in enumerate(figures, start=1):
        line, *again = [line for line in lines if text in line]
        assert f"{epoch}/2" in line and line.startswith("mine: ")
        assert not (terminal and again)
    assert not any(word in line for line in lines for word in ("7.25", "loss", "lambda", "cosine"))


@pytest.mark.any_backend
def test_tensorboard_has_the_names_and_values_of_the_history(tmp_path):
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    ).EventAccumulator(str(tmp_path / "tensorboard"))
    log, batches = TensorBoardLog(tmp_path / "tensorboard"), Batches()
    history = fit(model(), batches, epochs=2, folder=tmp_path, validation=batches, callbacks=[log])
    accumulator.Reload()
    assert "val_loss" in history and set(accumulator.Tags()["tensors"]) == set(history)
    for name, values in history.items():
        found = [
            (event.step, np.frombuffer(event.tensor_proto.tensor_content, "float32").item())
            for event in accumulator.Tensors(name)
        ]
        np.testing.assert_allclose(found, list(enumerate(values)), rtol=1e-6)


@pytest.mark.any_backend
def test_a_folder_holds_one_settings_results(tmp_path):
    settings = {"epochs": 2, "milestones": (1, 2)}
    claim(tmp_path / "out", settings)
    claim(tmp_path / "out", settings)
    assert json.loads((tmp_path / "out" / "settings.json").read_text())["milestones"] == [1, 2]
    with pytest.raises(ValueError, match="`epochs`: 2 there, 3 asked for"):
        claim(tmp_path / "out", settings | {"epochs": 3})
    with pytest.raises(ValueError, match="`rate`: 'absent' there, 0.1 asked for"):
        claim(str(tmp_path / "out"), settings | {"rate": 0.1})
