import json
import os
import pathlib
import stat
import subprocess
import sys

import keras
import numpy as np
import processes
import pytest
import tiny
from shared_child import real_child, shared_child  # noqa: F401
from students import build_student, clip_features, clips, video_student

import keras_amid as ka
from keras_amid.export.saved_model import export_student, main

LOADER = pathlib.Path(__file__).parents[1] / "support" / "saved_model_loader.py"
ROOT = pathlib.Path(ka.__file__).parents[1]
OUTPUTS = {"probabilities": 4, "logits": 4, "representation": 6}
CHILD_EXPORTS = keras.backend.backend() != "tensorflow"
needs_child = pytest.mark.skipif(not CHILD_EXPORTS, reason="TensorFlow exports in process")
pytestmark = pytest.mark.usefixtures("shared_child", "loader")


class Loader:
    """A process of its own, without Keras, that loads one SavedModel after the other."""

    process = None

    def __call__(self, folder, request, response):
        """What the process prints of a request."""
        if self.process is None:
            pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
            self.process = subprocess.Popen([sys.executable, "-I", LOADER], text=True, **pipes)
        print(json.dumps([str(folder), str(request), str(response)]), file=self.process.stdin)
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, self.process.communicate()[1][-3000:]
        return json.loads(answer)

    def close(self):
        if self.process is not None:
            self.process.communicate()
            self.process = None


LOAD = Loader()


@pytest.fixture(scope="module")
def loader():
    yield
    LOAD.close()


def serve(folder, requests, tmp_path):
    """Loads in a process without Keras; dict of descriptions, list of dicts of outputs."""
    arrays = {f"{n}/{name}": a for n, request in enumerate(requests) for name, a in request.items()}
    np.savez(tmp_path / "request.npz", **arrays)
    description = LOAD(folder, tmp_path / "request.npz", tmp_path / "response.npz")
    response = dict(np.load(tmp_path / "response.npz"))
    outputs = [
        {key.split("/")[1]: a for key, a in response.items() if key.startswith(f"{n}/")}
        for n in range(len(requests))
    ]
    return description, outputs


def assert_serves(student, folder, requests, tmp_path, tolerance=1e-5):
    description, responses = serve(folder, requests, tmp_path)
    assert description["imported"] == []
    for request, response in zip(requests, responses, strict=True):
        expected = student.predict(request, verbose=0)
        assert set(response) == set(OUTPUTS)
        for name, array in response.items():
            assert array.dtype == np.float32
            np.testing.assert_allclose(
                array, expected[name].astype("float32"), rtol=tolerance, atol=tolerance
            )
    return description


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "clips"
    student = video_student()
    return student, path, export_student(student, path, class_names=["a b", "ç", "d", "e"])


def test_equals_predict_without_keras_at_any_batch_size(exported, tmp_path):
    student, _, folder = exported
    requests = [clips(count, seed=count) for count in (1, 3, 7)]
    description = assert_serves(student, folder, requests, tmp_path)
    assert set(description["signatures"]) == {"serving_default", "retrieval", "assets"}
    signature = description["signatures"]["serving_default"]
    assert signature["method"] == "tensorflow/serving/predict"
    video = signature["inputs"].pop("video")
    assert signature["inputs"] == {}
    assert (video["dtype"], video["shape"]) == ("uint8", [-1, 3, 5, 5, 2])
    shapes = {n: (o["dtype"], o["shape"]) for n, o in signature["outputs"].items()}
    assert shapes == {name: ("float32", [-1, size]) for name, size in OUTPUTS.items()}
    assert description["assets"] == ["class_names.txt"]


def test_only_the_weights_of_the_student_are_inside(exported):
    tf = pytest.importorskip("tensorflow")
    student, _, folder = exported
    found = {}
    for key, shape in tf.train.list_variables(os.path.join(folder, "variables", "variables")):
        if key != "_CHECKPOINTABLE_OBJECT_GRAPH":
            prefix, name, *_ = key.split("/")
            assert prefix == "weights"
            found[name.replace(".S", "/")] = tuple(shape)
    assert found == {weight.path: tuple(weight.shape) for weight in student.weights}
    assert len(found) == len(student.weights) < len(student.variables)


def test_version_folder(exported):
    _, path, folder = exported
    assert folder == str(path / "1")
    assert os.listdir(path) == ["1"]
    names = (path / "1" / "assets" / "class_names.txt").read_bytes().decode("utf-8")
    assert names == "a b\nç\nd\ne\n"
    # Readable by the user that a server runs as, as far as this user's umask has it.
    assert stat.S_IMODE((path / "1").stat().st_mode) == stat.S_IMODE(path.stat().st_mode)
    assert "optimizer" not in (path / "1" / "saved_model.pb").read_bytes().decode("latin-1").lower()


def test_versions_count_up_and_are_never_overwritten(tmp_path):
    student, path = video_student(), tmp_path / "new" / "name"
    for name in ("7", "notes", ".export-left", "12.5"):
        (path / name).mkdir(parents=True)
    assert export_student(student, str(path)) == str(path / "8")
    assert not (path / "8" / "assets" / "class_names.txt").exists()
    assert export_student(student, path, version=3) == str(path / "3")
    before = sorted(path.rglob("*"))
    for existing in (3, 7):
        with pytest.raises(FileExistsError, match=f"`version` {existing} exists"):
            export_student(student, path, version=existing)
    assert sorted(path.rglob("*")) == before


def test_a_number_taken_meanwhile_is_left_alone(tmp_path, monkeypatch):
    rename, taken = os.rename, []

    def slow_rename(source, target):
        if not taken:
            taken.append(target)
            os.makedirs(os.path.join(target, "variables"))
        rename(source, target)

    monkeypatch.setattr(os, "rename", slow_rename)
    assert export_student(video_student(), tmp_path) == str(tmp_path / "2")
    assert taken == [str(tmp_path / "1")]
    assert os.listdir(tmp_path / "1") == ["variables"]


def test_nested_and_several_modalities(tmp_path):
    inputs = {
        "video": keras.Input((3, 5, 5, 2), dtype="uint8", name="video"),
        "text": {
            "mask": keras.Input((4,), dtype="float32", name="text_mask"),
            "ids": keras.Input((4,), dtype="int32", name="text_ids"),
        },
    }
    words = keras.layers.Embedding(9, 3)(inputs["text"]["ids"])
    text = keras.ops.einsum("btf,bt->bf", words, inputs["text"]["mask"])
    features = keras.layers.Concatenate()([text, clip_features(inputs["video"])])
    student = build_student(inputs, features)
    folder = export_student(student, tmp_path / "m")
    ids = np.random.default_rng(0).integers(0, 9, (3, 4)).astype("int32")
    mask = np.array([[1, 1, 0, 0]] * 3, "float32")
    description, (response,) = serve(
        folder, [{**clips(3), "text_ids": ids, "text_mask": mask}], tmp_path
    )
    received = description["signatures"]["serving_default"]["inputs"]
    assert {n: i["dtype"] for n, i in received.items()} == {
        "video": "uint8",
        "text_ids": "int32",
        "text_mask": "float32",
    }
    # In the order declared: under PyTorch, Keras takes the parts of an inner dict by position.
    expected = student.predict({**clips(3), "text": {"mask": mask, "ids": ids}}, verbose=0)
    for name in OUTPUTS:
        np.testing.assert_allclose(response[name], expected[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_outputs_are_float32_under_a_mixed_policy(policy, tmp_path):
    keras.config.set_dtype_policy(policy)
    student = video_student()
    assert student.output["representation"].dtype == policy.removeprefix("mixed_")
    folder = export_student(student, tmp_path / "m")
    # Backends round at other places: the tolerance is a few units of the 8 bits of bfloat16.
    assert_serves(student, folder, [clips(3)], tmp_path, tolerance=3e-2)


@pytest.mark.skipif(CHILD_EXPORTS, reason="of TensorFlow's own variables and tables")
def test_mirrored_variables_and_lookup_tables(tmp_path):
    tf = pytest.importorskip("tensorflow")
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        student = video_student()
    folder = export_student(student, tmp_path / "m")
    assert_serves(student, folder, [clips(3)], tmp_path)
    listed = tf.train.list_variables(os.path.join(folder, "variables", "variables"))
    assert len(listed) == len(student.weights) + 1

    text = keras.Input((2,), dtype="string", name="text")
    ids = keras.layers.StringLookup(vocabulary=["a", "b"])(text)
    student = build_student(
        {"text": text}, keras.layers.Flatten()(keras.layers.Embedding(3, 2)(ids))
    )
    served = tf.saved_model.load(export_student(student, tmp_path / "t"))
    words = tf.constant([["a", "b"], ["b", "other"]])
    outputs = served.signatures["serving_default"](text=words)
    np.testing.assert_allclose(outputs["logits"], student({"text": words})["logits"], atol=1e-6)


def small_model(method=ka.AMID):
    def extractor(shape, dtype="float32"):
        x = inputs = keras.Input(shape, dtype=dtype)
        x = keras.layers.Rescaling(1 / 255)(x) if dtype == "uint8" else x
        x = keras.layers.Flatten()(x)
        return keras.Model(inputs, keras.layers.Dense(6)(x))

    return method(
        target={"video": extractor((3, 5, 5, 2), "uint8")},
        auxiliary={"audio": extractor((7,))},
        num_classes=4,
        representation_dim=6,
    )


def test_a_trained_model(tmp_path, monkeypatch):
    real_child(monkeypatch)
    tf = pytest.importorskip("tensorflow")
    model = small_model()
    model.compile(optimizer=keras.optimizers.Adam(1e-2), **tiny.FEW_STEPS)
    x = {**clips(8), "audio": np.random.default_rng(0).normal(size=(8, 7)).astype("float32")}
    model.fit(x, np.arange(8) % 4, batch_size=4, epochs=1, verbose=0)
    folder = ka.export_student(model, tmp_path / "m", class_names=list("abcd"))
    assert_serves(model.student, folder, [clips(1), clips(7)], tmp_path)
    _, (response,) = serve(folder, [clips(5)], tmp_path)
    np.testing.assert_allclose(response["probabilities"], model.predict(clips(5)), atol=1e-5)
    listed = tf.train.list_variables(os.path.join(folder, "variables", "variables"))
    shapes = [tuple(shape) for key, shape in listed if not key.startswith("_")]
    assert sorted(shapes) == sorted(tuple(w.shape) for w in model.student.weights)
    assert len(model.weights) > len(shapes)


def test_a_model_that_is_not_built_is_refused(tmp_path):
    layers = {"target": {"video": keras.layers.Dense(6)}, "auxiliary": {"a": keras.layers.Dense(6)}}
    model = ka.AMID(**layers, num_classes=4, representation_dim=6)
    with pytest.raises(ValueError, match="`model` is not built.*`fit` or `build`"):
        export_student(model, tmp_path / "m")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("class_names", "message"),
    [
        (["a", "b", "c"], "`class_names` must be a list of 4 names.*received 3"),
        ("abcd", "`class_names` must be a list of 4 names"),
        (["a", "b", "c\nd", "e"], r"line break; received 'c\\nd'"),
        (["a", "b", "c\r", "e"], r"line break; received 'c\\r'"),
        (["a", "b", "", "e"], "non-empty str.*received ''"),
        (["a", "b", 3, "e"], "non-empty str.*received 3"),
    ],
)
def test_class_names_that_do_not_fit_are_refused(class_names, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export_student(video_student(), tmp_path / "m", class_names=class_names)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("version", [0, -1, 1.0, True, "2"])
def test_versions_are_positive_integers(version, tmp_path):
    with pytest.raises(ValueError, match="`version` must be an integer >= 1"):
        export_student(video_student(), tmp_path / "m", version=version)


def test_what_is_no_student_is_refused(tmp_path):
    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="`model` must be a model of keras_amid, or a functional"):
        export_student(plain, tmp_path / "m")
    with pytest.raises(ValueError, match="`path` must be a local folder.*'gs://bucket/m'"):
        export_student(video_student(), "gs://bucket/m")
    inputs = {"a": {"b": keras.Input((2,), name="x")}, "a_b": keras.Input((2,), name="y")}
    features = keras.layers.Concatenate()([inputs["a"]["b"], inputs["a_b"]])
    with pytest.warns(UserWarning, match="match the names"):
        student = build_student(inputs, features)
    with pytest.raises(ValueError, match="input 'a_b' cannot be named 'a_b'.*unique"):
        export_student(student, tmp_path / "m")


OWN_LAYERS = """
import keras

@keras.saving.register_keras_serializable(package="own")
def squash(x):
    return keras.ops.tanh(x) * 2

@keras.saving.register_keras_serializable(package="own")
class Scale(keras.layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

    def call(self, x):
        return x * self.scale + 1

class NotRegistered(keras.layers.Layer):
    def call(self, x):
        return 1 - x
"""


def test_layers_of_the_users_own(tmp_path, monkeypatch):
    (tmp_path / "own_layers.py").write_text(OWN_LAYERS)
    monkeypatch.syspath_prepend(tmp_path)
    import own_layers

    clip = keras.Input((3, 5, 5, 2), dtype="uint8", name="video")
    inner = keras.Sequential([keras.Input((3,)), own_layers.Scale(), own_layers.NotRegistered()])
    features = keras.layers.Dense(5, activation=own_layers.squash)(inner(clip_features(clip)))
    features = keras.layers.Lambda(lambda x: x / 2, output_shape=(5,))(features)
    student = build_student({"video": clip}, features)
    folder = export_student(student, tmp_path / "m")
    assert_serves(student, folder, [clips(3)], tmp_path)


IN_MAIN = """
import sys

import keras

from keras_amid.export.saved_model import export_student

@keras.saving.register_keras_serializable(package="own")
class InMain(keras.layers.Layer):
    def call(self, x):
        return x + 1

x = keras.Input((2,), name="video")
logits = InMain()(x)
outputs = {"probabilities": keras.ops.softmax(logits), "logits": logits, "representation": x}
print(export_student(keras.Model({"video": x}, outputs), sys.argv[1]))
"""


def test_a_layer_in_main(tmp_path):
    (tmp_path / "script.py").write_text(IN_MAIN)
    done = processes.run(tmp_path / "script.py", tmp_path / "m")
    if CHILD_EXPORTS:
        error = done.stderr.splitlines()[-1]
        assert error.startswith("ValueError: 'InMain' is defined in `__main__`")
        assert "Move it to the top level of a module" in error
        assert "KERAS_BACKEND=tensorflow" in error
        assert os.listdir(tmp_path / "m") == []
    else:
        assert done.stdout.split() == [str(tmp_path / "m" / "1")]


@needs_child
def test_a_layer_in_a_function_is_refused(tmp_path):
    class Local(keras.layers.Layer):
        def call(self, x):
            return x + 1

    clip = keras.Input((3, 5, 5, 2), dtype="uint8", name="video")
    student = build_student({"video": clip}, Local()(clip_features(clip)))
    with pytest.raises(ValueError, match=r"Local' is defined in a function.*Move it"):
        export_student(student, tmp_path / "m")


@needs_child
def test_a_failing_child_is_quoted(tmp_path, monkeypatch):
    real_child(monkeypatch)
    (tmp_path / "fails_elsewhere.py").write_text(
        "import os, keras\n"
        "if os.environ.get('KERAS_BACKEND') == 'tensorflow':\n"
        "    raise OSError('no such lens')\n"
        "class Lens(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        return x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from fails_elsewhere import Lens

    clip = keras.Input((3, 5, 5, 2), dtype="uint8", name="video")
    student = build_student({"video": clip}, Lens()(clip_features(clip)))
    with pytest.raises(RuntimeError, match="(?s)exit status 1.*OSError: no such lens"):
        export_student(student, tmp_path / "m")
    assert os.listdir(tmp_path / "m") == []


def test_command_line(tmp_path):
    student = video_student()
    student.save(tmp_path / "student.keras")
    (tmp_path / "own_layers.py").write_text(OWN_LAYERS)
    (tmp_path / "names.txt").write_text("a\nb\nc\nd\n")
    command = [sys.executable, "-m", "keras_amid.export", "student.keras", "served/name"]
    options = ["--class-names", "names.txt", "--version", "5", "--import", "own_layers"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.stdout.split() == [os.path.join("served/name", "5")], done.stderr
    assert "Warning" not in done.stderr
    folder = tmp_path / "served/name/5"
    assert (folder / "assets/class_names.txt").read_text() == "a\nb\nc\nd\n"
    assert_serves(student, folder, [clips(3)], tmp_path)


def test_command_line_errors(tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["--help"])
    assert exit_info.value.code == 0
    assert "--class-names FILE" in capsys.readouterr().out
    with pytest.raises(SystemExit) as exit_info:
        main([str(tmp_path / "absent.keras"), str(tmp_path / "m")])
    assert exit_info.value.code == 2
    assert "absent.keras" in capsys.readouterr().err


def test_the_loader_reports_what_the_c_api_says(tmp_path):
    done = subprocess.run(
        [sys.executable, "-I", LOADER, tmp_path, tmp_path / "a.npz", tmp_path / "b.npz"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Could not find SavedModel .pb" in done.stderr.splitlines()[-1]
