"""ONNX and LiteRT, and int8, by their own runtimes."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from shared_child import shared_child  # noqa: F401
from students import build_student, clips, video_student

import keras_amid as ka
from keras_amid.command import export as command
from keras_amid.export.formats import FORMATS
from keras_amid.export.graph import layers_of
from keras_amid.export.runtimes import load_runtime

pytestmark = pytest.mark.usefixtures("shared_child")
LOADER = Path(__file__).parents[1] / "support" / "runtimes_loader.py"
SHAPE = (3, 6, 6, 3)
FILES = {"onnx": "model.onnx", "litert": "model.tflite"}


def serve(files, requests, folder):
    """Runs files in a fresh process, without TensorFlow; descriptions, and outputs by file."""
    arrays = {f"{n}/{name}": a for n, request in enumerate(requests) for name, a in request.items()}
    np.savez(folder / "request.npz", **arrays)
    command = [sys.executable, "-I", LOADER, folder / "request.npz", folder / "response.npz"]
    done = subprocess.run([*command, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [[{} for _ in requests] for _ in files]
    for key, value in np.load(folder / "response.npz").items():
        file, number, name = key.split("/")
        found[int(file)][int(number)][name] = value
    return json.loads(done.stdout), found


@pytest.mark.slow
@pytest.mark.parametrize("quantize", [None, pytest.param("int8", marks=pytest.mark.any_backend)])
def test_equals_predict_by_its_own_runtime(quantize, tmp_path):
    student, requests = video_student(SHAPE), [clips(n, n, SHAPE) for n in (1, 3, 7)]
    samples = clips(64, 9, SHAPE) if quantize else None
    files = []
    for name, file in FILES.items():
        folder = ka.export_student(
            student, tmp_path / name, list("abcd"), format=name, assets={"more.txt": "ü\n"},
            quantize=quantize, representative=samples,
        )  # fmt: skip
        assert folder == str(tmp_path / name / "1")
        files.append(f"{folder}/{file}")
        assert Path(folder, "assets", "class_names.txt").read_text() == "a\nb\nc\nd\n"
        assert Path(folder, "assets", "more.txt").read_bytes() == "ü\n".encode()
        card = json.loads(Path(folder, "model_card.json").read_text(encoding="utf-8"))
        assert (card["format"], card["quantized"]) == (name, quantize)
    abouts, found = serve(files, requests, tmp_path)
    assert [about["inputs"] for about in abouts] == [{"video": "tensor(uint8)"}, {"video": "uint8"}]
    assert [about["int8"] for about in abouts] == [quantize is not None] * 2
    tolerance = {None: 1e-5, "int8": 0.1}[quantize]
    for file, answers in zip(files, found, strict=True):
        for request, answer in zip(requests, answers, strict=True):
            expected = student.predict(request, verbose=0)
            assert set(answer) == {"probabilities", "logits", "representation"}
            for name, value in answer.items():
                assert value.dtype == np.float32
                scale = np.abs(expected[name]).max()
                np.testing.assert_allclose(
                    value / scale, expected[name] / scale, atol=tolerance, rtol=0
                )
        # The same by what `keras-amid formats` measures with.
        here = load_runtime(Path(file).parent)(requests[1])
        np.testing.assert_allclose(here["logits"], answers[1]["logits"], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.any_backend
def test_recurrences_spectra_and_cells(tmp_path):
    """What the converters have no operation for is written by those that they have."""
    inputs = {
        "imu": keras.Input((6, 3), name="imu"),
        "audio": keras.Input((400,), name="audio"),
        "video": keras.Input((4, 8, 8, 3), dtype="uint8", name="video"),
    }
    spectrum = ka.extractors.LogMelSpectrogram(
        sample_rate=800, fft_length=64, hop_length=50, mel_bins=8, min_freq=20, max_freq=400
    )  # fmt: skip
    features = [
        ka.extractors.RecurrentEncoder(3, 4, cell="gru")(inputs["imu"]),
        keras.layers.Flatten()(spectrum(inputs["audio"])),
        ka.extractors.clip_mlp((4, 8, 8, 3), (2, 4, 4), (5,))(inputs["video"]),
    ]
    student = build_student(inputs, keras.layers.Concatenate()(features))
    rng = np.random.default_rng(0)
    x = {
        "imu": rng.normal(size=(3, 6, 3)).astype("float32"),
        "audio": rng.normal(size=(3, 400)).astype("float32"),
        "video": rng.integers(0, 256, (3, 4, 8, 8, 3)).astype("uint8"),
    }
    x["imu"][1, 4:] = 0  # padding
    expected = student.predict(x, verbose=0)
    for name in FILES:
        run = load_runtime(ka.export_student(student, tmp_path / name, format=name))
        for rows in (slice(0, 3), slice(1, 2)):
            answer = run({n: value[rows] for n, value in x.items()})
            for output, value in answer.items():
                np.testing.assert_allclose(value, expected[output][rows], rtol=1e-4, atol=1e-4)
    # The student is as it was.
    layer = next(la for la in layers_of(student) if isinstance(la, keras.layers.GRU))
    assert layer.unroll is False


def text_student():
    text = keras.Input((2,), dtype="string", name="text")
    ids = keras.layers.StringLookup(vocabulary=["a", "b"])(text)
    return build_student({"text": text}, keras.layers.Flatten()(keras.layers.Embedding(3, 2)(ids)))


def mixed_student():
    keras.config.set_dtype_policy("mixed_bfloat16")
    return video_student()


ZEROS = np.zeros((2, 3, 5, 5, 2), "uint8")


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (video_student, {"format": "tflite"}, "`format` must be one of.*received 'tflite'"),
        (video_student, {"format": "onnx", "quantize": "int4"}, "`quantize` must be .*'int4'"),
        (video_student, {"quantize": "int8", "representative": {"video": ZEROS}},
         r"`quantize` must be None with the format 'saved_model', or the format one of \['onnx'"),
        (video_student, {"format": "onnx", "quantize": "int8"}, "`representative` samples of"),
        (video_student, {"format": "onnx", "representative": {"video": ZEROS}}, "received None"),
        (video_student, {"format": "onnx", "quantize": "int8", "representative": {"audio": ZEROS}},
         r"`representative` must be a dict of the modalities \['video'\]; received \['audio'\]"),
        (video_student,
         {"format": "litert", "quantize": "int8", "representative": {"video": ZEROS[0]}},
         r"shape \(samples, 3, 5, 5, 2\), for 'video'; received uint8, \(3, 5, 5, 2\)"),
        (video_student,
         {"format": "litert", "quantize": "int8", "representative": {"video": ZEROS / 2}},
         "an array of uint8.*received float64"),
        (text_student, {"format": "onnx"}, "`format` must be 'saved_model' for a student that"),
        (mixed_student, {"format": "litert"}, "computes in bfloat16; received 'litert'"),
        (video_student, {"card": ["a"]}, "`card` must be a dict of JSON values"),
        (video_student, {"card": {"a": {1, 2}}}, "`card` must be a dict of JSON values; .*set"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(make, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        ka.export_student(make(), tmp_path / "m", **options)
    assert not (tmp_path / "m").exists()


@pytest.mark.any_backend
def test_a_student_that_is_not_finite_is_refused(tmp_path):
    student = video_student()
    weights = student.get_weights()
    weights[0].flat[3] = np.nan
    student.set_weights(weights)
    with pytest.raises(ValueError, match="`model` must have finite weights; .*'conv/kernel'"):
        ka.export_student(student, tmp_path / "m")
    assert not (tmp_path / "m").exists()


@pytest.mark.any_backend
def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"needs tf2onnx, onnx: pip install 'keras_amid\[onnx\]'"):
        ka.export_student(video_student(), tmp_path / "m", format="onnx")
    assert not (tmp_path / "m").exists()


@pytest.mark.any_backend
def test_the_command_knows_the_formats():
    assert command._FORMATS == tuple(FORMATS)  # said twice, for its help does without Keras


@pytest.mark.any_backend
def test_a_folder_without_a_model_has_no_runtime(tmp_path):
    with pytest.raises(ValueError, match="`version` must be an exported version's folder"):
        load_runtime(tmp_path)
