"""Nothing that is not finite goes on, or over what was saved."""

import keras
import numpy as np
import pytest
import tiny

import keras_amid as ka
from keras_amid.experiments import EpochBackup, fit
from keras_amid.validation.finite import NotFiniteError, first_not_finite

NAN = float("nan")


class Poison(keras.callbacks.Callback):
    """Makes a weight NaN before a step of an epoch."""

    def __init__(self, find, epoch=2, batch=1):
        super().__init__()
        self.find, self.epoch, self.batch, self.steps = find, epoch, batch, []

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_begin(self, batch, logs=None):
        self.steps.append(self.now)
        if (self.now, batch) == (self.epoch, self.batch):
            variable = self.find(self.model)
            if keras.backend.backend() == "jax":
                self.model.jax_state_sync()
            variable.assign(keras.ops.full(variable.shape, NAN))


def compiled():
    model = tiny.amid()
    model.compile(optimizer=tiny.sgd(), **tiny.FEW_STEPS)
    return model


@pytest.mark.parametrize(
    ("find", "name"),
    [
        (lambda m: m.teacher_mlp.weights[0], "divergence_loss|classification_loss"),
        (lambda m: m.enhanced_discriminator.weights[0], "adversarial_loss"),
    ],
)
def test_training_stops_at_the_component_and_the_backup_stays(find, name, tmp_path):
    x, y = tiny.data()
    poison, model = Poison(find), compiled()
    backup = keras.callbacks.ModelCheckpoint(str(tmp_path / "a.weights.h5"), save_weights_only=True)
    schedule = ka.AMIDSchedule(warmup_epochs=1)
    with pytest.raises(ValueError, match=f"`({name})` must be finite; received nan in training"):
        model.fit(x, y, batch_size=8, epochs=6, verbose=0, callbacks=[poison, backup, schedule])
    assert max(poison.steps) == 2
    assert np.isfinite(keras.ops.convert_to_numpy(model.state.lambda_tilde)).all()
    other = compiled()
    other.load_weights(tmp_path / "a.weights.h5")
    assert first_not_finite(other.variables) is None
    with pytest.raises(NotFiniteError):
        model.train_on_batch({k: v[:8] for k, v in x.items()}, y[:8])


def test_weights_that_the_last_step_left_are_seen(tmp_path):
    class Late(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.classifier.kernel.assign(keras.ops.full((4, 3), NAN))

    x, y = tiny.data()
    model, folder = compiled(), tmp_path / "run"
    batches = Batches(x, y)
    with pytest.raises(NotFiniteError, match="received NaN or infinity in .*kernel.*epoch 2"):
        fit(model, batches, epochs=4, folder=folder, callbacks=[Late()])
    assert [path.name for path in (folder / "backup").iterdir()] == ["000001.weights.h5"]
    assert not (folder / "final.weights.h5").exists()
    # Called again it goes on from there, as if nothing had been.
    history = fit(compiled(), batches, epochs=3, folder=folder)
    whole = fit(compiled(), batches, epochs=3, folder=tmp_path / "whole")
    assert history.keys() == whole.keys() and len(history["loss"]) == 3


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return 2

    def __getitem__(self, index):
        part = slice(8 * index, 8 * index + 8)
        return {name: value[part] for name, value in self.x.items()}, self.y[part]


def test_a_backup_is_not_replaced_by_weights_that_are_not_finite(tmp_path):
    model, backup = compiled(), EpochBackup(tmp_path)
    backup.set_model(model)
    backup.on_epoch_end(0)
    model.classifier.bias.assign([0.0, float("inf"), 0.0])
    with pytest.raises(NotFiniteError, match="bias"):
        backup.on_epoch_end(1)
    assert [path.name for path in tmp_path.iterdir()] == ["000001.weights.h5"]
    (tmp_path / "000001.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n and no more")
    with pytest.raises(ValueError, match="000001.weights.h5 cannot be read.*Delete it"):
        backup.restore(model)


def test_lambda_takes_no_cosine_that_is_not_finite():
    state = tiny.amid().state
    state.cosine_sums.assign([NAN, 4.0, 1.0, 4.0])
    state.end_epoch(0.5)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(state.lambda_tilde), [0.0, 0.375])
