"""What the SavedModel holds beside `serving_default`: signatures, warm-up requests, the card."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from students import build_student, clips, video_student

import keras_amid as ka
from keras_amid.export import card

pytestmark = pytest.mark.any_backend
SHAPE = (3, 6, 6, 3)
ASSETS = {"inputs.json": '{"é": 1}', "empty.txt": ""}


@pytest.fixture(scope="module")
def student():
    return video_student(SHAPE)


@pytest.fixture(scope="module")
def version(student, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "clips"
    more = {"inputs": {"video": {"fps": 12.5}}, "data": {"name": "x|y", "counts": {"train": 9}}}
    return Path(ka.export_student(student, path, ["a", "b", "ç", "d"], assets=ASSETS, card=more))


@pytest.fixture(scope="module")
def loaded(version):
    import tensorflow as tf

    return tf.saved_model.load(str(version))


def strings(pictures):
    """Nested lists of bytes as a tensor."""
    import tensorflow as tf

    return tf.constant(pictures)


def test_retrieval_is_the_representation_with_length_1(loaded, student):
    import tensorflow as tf

    x = clips(5, shape=SHAPE)
    found = loaded.signatures["retrieval"](video=tf.constant(x["video"]))
    assert list(found) == ["representation"]
    expected = student.predict(x, verbose=0)["representation"].astype("float64")
    expected /= np.sqrt((expected**2).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(found["representation"], expected, atol=1e-6)


def test_encoded_frames_of_any_size(loaded, student):
    import tensorflow as tf

    encoded = loaded.signatures["encoded_frames"]
    rng = np.random.default_rng(0)
    # PNG loses nothing: frames of the student's size are the student's input.
    same = rng.integers(0, 256, (1, *SHAPE)).astype("uint8")
    # Twice as large and wider: its square centre, whose pixels are means of four.
    wide = rng.integers(0, 256, (1, 3, 12, 20, 3)).astype("uint8")
    square = wide[:, :, :, 4:16].reshape(1, 3, 6, 2, 6, 2, 3).astype("float64")
    halved = np.floor(square.mean(axis=(3, 5)) + 0.5).astype("uint8")
    for frames, expected in ((same, same), (wide, halved)):
        pictures = [[tf.io.encode_png(frame).numpy() for frame in clip] for clip in frames]
        answer = encoded(video=strings(pictures))
        reference = student.predict({"video": expected}, verbose=0)
        assert set(answer) == {"probabilities", "logits", "representation"}
        for name, value in answer.items():
            np.testing.assert_allclose(value, reference[name], atol=1e-5, rtol=1e-5)
    flat = np.full((4, 40, 30, 3), 90, "uint8")
    pictures = [[tf.io.encode_jpeg(frame).numpy() for frame in flat[:3]]] * 2
    answer = encoded(video=strings(pictures))["logits"]
    reference = student.predict({"video": np.full((2, *SHAPE), 90, "uint8")}, verbose=0)
    np.testing.assert_allclose(answer, reference["logits"], atol=1e-2)


def test_single_pictures_beside_another_modality(tmp_path):
    import tensorflow as tf

    inputs = {
        "photo": keras.Input((6, 6, 1), dtype="uint8", name="photo"),
        "audio": keras.Input((4,), name="audio"),
    }
    levels = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs["photo"]))
    features = keras.layers.Concatenate()([levels, inputs["audio"]])
    student = build_student(inputs, features)
    served = tf.saved_model.load(ka.export_student(student, tmp_path / "m"))
    rng = np.random.default_rng(0)
    x = {
        "photo": rng.integers(0, 256, (2, 6, 6, 1)).astype("uint8"),
        "audio": rng.normal(size=(2, 4)).astype("float32"),
    }
    photos = strings([tf.io.encode_png(photo).numpy() for photo in x["photo"]])
    answer = served.signatures["encoded_frames"](photo=photos, audio=tf.constant(x["audio"]))
    expected = student.predict(x, verbose=0)
    for name, value in answer.items():
        np.testing.assert_allclose(value, expected[name], atol=1e-5, rtol=1e-5)
    assert "assets" not in served.signatures


def test_assets_are_told(loaded, version):
    names = ["class_names.txt", "inputs.json", "empty.txt", "no.txt"]
    text = loaded.signatures["assets"](name=strings(names))["text"].numpy().tolist()
    assert [t.decode() for t in text] == ["a\nb\nç\nd\n", '{"é": 1}', "", ""]
    assert (version / "assets" / "inputs.json").read_text(encoding="utf-8") == '{"é": 1}'


def test_warm_up_requests_run(loaded, version):
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    file = version / "assets.extra" / "tf_serving_warmup_requests"
    asked = []
    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
        request = PredictionLog.FromString(record).predict_log.request
        signature = loaded.signatures[request.model_spec.signature_name]
        values = {n: tf.constant(tf.make_ndarray(v)) for n, v in request.inputs.items()}
        assert all(np.isfinite(v).all() for v in signature(**values).values())
        assert [len(v) for v in values.values()] == [1]
        asked.append(request.model_spec.signature_name)
    assert asked == ["serving_default", "retrieval", "encoded_frames"]


def test_no_warm_up_where_a_size_is_not_known(tmp_path):
    sound = keras.Input((None, 2), name="audio")
    features = keras.layers.GlobalAveragePooling1D()(sound)
    logits = keras.layers.Dense(3)(features)
    outputs = {"probabilities": keras.ops.softmax(logits), "logits": logits,
               "representation": features}  # fmt: skip
    version = Path(ka.export_student(keras.Model({"audio": sound}, outputs), tmp_path / "m"))
    assert not (version / "assets.extra").exists()
    found = json.loads((version / "model_card.json").read_text())
    assert found["inputs"] == {"audio": {"shape": [None, None, 2], "dtype": "float32"}}
    assert found["classes"] is None and "## Classes" not in (version / "model_card.md").read_text()


def test_the_card_of_a_student(version, student):
    found = json.loads((version / "model_card.json").read_text(encoding="utf-8"))
    assert found["name"] == "clips" and found["format"] == "saved_model"
    video = {"shape": [None, *SHAPE], "dtype": "uint8", "fps": 12.5}
    assert found["inputs"] == {"video": video}
    assert found["outputs"]["representation"] == {"shape": [None, 6], "dtype": "float32"}
    assert found["classes"] == ["a", "b", "ç", "d"]
    assert found["parameters"] == sum(w.size for w in student.get_weights())
    assert found["versions"]["keras"] == keras.__version__
    assert found["versions"]["backend"] == keras.backend.backend()
    text = (version / "model_card.md").read_text(encoding="utf-8")
    assert text == card.as_markdown(found)
    assert text.startswith("# Model card: clips\n")
    assert "| video | batch x 3 x 6 x 6 x 3 | uint8 |  | 12.5 fps |" in text
    assert "| 2 | ç |" in text and "x|y" in text and "| train | 9 |" in text
