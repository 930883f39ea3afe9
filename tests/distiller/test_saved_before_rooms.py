"""Files that the flat package saved, before it had rooms: they load, predict and train on.

`saved_before_rooms` holds them, written on TensorFlow after two epochs on `tiny.data(16)`, and what
that version then predicted, evaluated, and logged in two further epochs.
"""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tiny

import keras_amid as ka

FOLDER = Path(__file__).parent / "saved_before_rooms"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
X, Y = tiny.data(16)
VIDEO = {"video": X["video"]}
# Rows whose negatives are drawn: another backend draws others.
DRAWN = {"crd", "crcd"} if keras.backend.backend() != "tensorflow" else set()
#: Logs that there were not yet.
LATER = {"auxiliary_accuracy"}


@pytest.mark.parametrize("name", EXPECTED)
def test_loads_predicts_and_trains_on(name):
    expected = EXPECTED[name]
    x = {**X, "index": np.arange(16)} if name.startswith("cr") else X
    model = keras.saving.load_model(FOLDER / f"{name}.keras")
    np.testing.assert_allclose(model.predict(VIDEO, verbose=0), expected["predict"], atol=1e-5)
    logs = model.evaluate(x, Y, batch_size=8, verbose=0, return_dict=True)
    logs = {log: value for log, value in logs.items() if log not in LATER}
    assert logs == pytest.approx(expected["evaluate"], rel=1e-4, abs=1e-5)
    history = model.fit(
        x, Y, batch_size=8, epochs=4, initial_epoch=2, shuffle=False, verbose=0,
        callbacks=[ka.AMIDSchedule(1)] if name.startswith("amid") else [],
    ).history  # fmt: skip
    assert history.keys() - LATER == expected["history"].keys()
    if name in DRAWN:
        return
    for log, values in expected["history"].items():
        assert history[log] == pytest.approx(values, rel=1e-3, abs=1e-4), log
    np.testing.assert_allclose(
        model.predict(VIDEO, verbose=0), expected["predict_after"], atol=1e-4
    )


def test_student_alone_loads():
    student = keras.saving.load_model(FOLDER / "student.keras")
    before = keras.saving.load_model(FOLDER / "amid.keras").student
    given, wanted = (model.predict(VIDEO, verbose=0) for model in (student, before))
    assert given.keys() == {"probabilities", "logits", "representation"}
    # It was saved two epochs later than the model.
    assert not np.allclose(given["logits"], wanted["logits"])
    np.testing.assert_allclose(given["probabilities"], EXPECTED["amid"]["predict_after"], atol=1e-5)
