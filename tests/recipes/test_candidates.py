"""The candidates' methods against plain NumPy; the tables that run them are tested elsewhere."""

import keras
import numpy as np
import pytest
import recipe_files
import tiny

import keras_amid as ka
from keras_amid.experiments import Recipe

RECIPE = Recipe.load(recipe_files.path("candidates"))
ROWS = RECIPE.config["own_rows"]


def extractors():
    return (
        {"video": tiny.extractor(tiny.VIDEO, 4, "video_extractor")},
        {"audio": tiny.extractor(tiny.AUDIO, 4, "audio_extractor")},
    )


class Weights(keras.callbacks.Callback):
    """The networks' weights at the start of each step."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def on_train_batch_begin(self, batch, logs=None):
        self.steps.append(self.model.networks.get_weights())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CCL, averaged teacher", "M detached, averaged teacher"])
def test_the_average_follows_the_weights(name):
    row = ROWS[name]
    model = row.method(*extractors(), num_classes=3, representation_dim=4, **row.arguments)
    optimizer = keras.optimizers.SGD(0.1) if name.startswith("CCL") else tiny.sgd()
    model.compile(optimizer=optimizer, **tiny.FEW_STEPS)
    x, y = tiny.data(16)
    before = model.networks.get_weights()
    weights, (start,) = Weights(), row.callbacks
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, shuffle=False, callbacks=[start(), weights])
    expected = before
    for step in weights.steps:
        expected = [0.99 * mean + 0.01 * w for mean, w in zip(expected, step, strict=True)]
    assert len(weights.steps) == 4
    for mean, value in zip(model.average, expected, strict=True):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(mean.value), value, atol=1e-6)
    assert not {id(mean) for mean in model.average} & {id(v) for v in model.trainable_variables}


@pytest.mark.parametrize("name", ["two-step, soft names", "two-step, transfer"])
def test_the_second_step_learns_labels_and_the_teachers_output(name):
    teacher = ka.TeacherOnly(*extractors(), num_classes=3, representation_dim=4)
    row = ROWS[name]
    model = row.method(
        *extractors(), num_classes=3, representation_dim=4, fixed_teacher=teacher,
        semi_supervised=True,
    )  # fmt: skip
    model.compile(optimizer=keras.optimizers.SGD(0.0), **tiny.FEW_STEPS)
    x, y = tiny.data(8)
    y[5:] = -1
    outputs = {key: keras.ops.convert_to_numpy(v) for key, v in model(x).items()}
    s, t = (softmax(outputs[key] / 2) for key in ("student_logits", "teacher_logits"))
    plain = softmax(outputs["student_logits"])
    labels = -np.log(plain[np.arange(5), y[:5]]).mean()
    if name.endswith("names"):
        taught = 4 * (t * np.log(t / s)).sum(axis=1).mean()
    else:
        taught = np.square(outputs["student"] - outputs["teacher"]).mean()
    logs = model.evaluate(x, y, batch_size=8, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(labels + taught, rel=1e-5)


def softmax(logits):
    powers = np.exp(logits.astype("float64"))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.any_backend
def test_both_recipes_name_their_rows():
    for name in ("candidates", "candidates_watch"):
        recipe = Recipe.load(recipe_files.path(name))
        for smoke in (True, False):
            config = recipe.make_config(smoke, {})
            assert set(ROWS) < set(config.rows) and config.name == name
