"""`train`, `compare`, `evaluate`, `export` and `predict` on a few clips of one's own."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import own_data
import processes
import pytest

import keras_amid
from keras_amid.command.main import main
from keras_amid.data import Windows, batches
from keras_amid.data.datasets import read_prepared
from keras_amid.data.storage.one_writer import one_writer
from keras_amid.experiments import read_history
from keras_amid.experiments.own.predictions import Predictions
from keras_amid.own.inputs import Inputs

pytestmark = pytest.mark.any_backend
ROOT = Path(keras_amid.__file__).parents[1]
SMALL = [
    "--target=video", "--extractor", "video=clip_mlp", "--frames=4", "--size=16", "--epochs=2",
    "--batch=6", "--representation-dim=8",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return own_data.make(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def trained(data):
    """A finished run: the student alone, GMC's control, and GMC."""
    out = data.parent / "run"
    words = ["--rows", "student alone", "GMC", "--control"]
    with pytest.MonkeyPatch.context() as patch:
        own_data.train_eagerly(patch)
        assert main(["train", str(data), f"--out={out}", *SMALL, *words]) == 0
    return out


def refused(capsys, *words):
    with pytest.raises(SystemExit) as exit:
        main(list(map(str, words)))
    out, errors = capsys.readouterr()
    assert exit.value.code == 2 and "Traceback" not in errors
    lines = [line for line in errors.splitlines() if line.startswith("keras-amid")]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.slow
def test_what_a_run_leaves(trained, data, capsys):
    names = {path.name for path in trained.iterdir()}
    assert {"report.html", "table.md", "config.toml", "student.keras", "saved_model"} <= names
    assert {path.name for path in (trained / "seed-0").iterdir()} == {
        "student_alone", "GMC_pairs_shuffled", "GMC",
    }  # fmt: skip
    table = (trained / "table.md").read_text()
    assert "beyond the same with its pairs shuffled" in table
    check_card(trained / "saved_model" / "1", read_prepared(data))


def check_card(version, data):
    """The model card of the run: what its files say."""
    card = json.loads((version / "model_card.json").read_text(encoding="utf-8"))
    video = {"shape": [None, 4, 16, 16, 3], "dtype": "uint8", "kind": "video"}
    assert card["inputs"] == {"video": video}
    assert (card["row"], card["seed"], card["target"]) == ("GMC", 0, ["video"])
    assert card["auxiliary"] == ["audio"] and card["classes"] == list(own_data.NAMES)
    assert card["data"]["counts"] == data.counts
    assert set(card["figures"]) == {"student alone", "GMC, pairs shuffled", "GMC"}
    seed = version.parents[1] / "seed-0"
    kept = json.loads((seed / "GMC" / "result.json").read_text())["student top-1"]
    found = card["figures"]["GMC"]["student top-1"]
    assert found == {"mean": pytest.approx(kept), "standard_error": None, "values": [kept]}
    assert "beyond the same with its pairs shuffled" in card["control"][0]
    assert card["command"].startswith("keras-amid train ")
    text = (version / "model_card.md").read_text(encoding="utf-8")
    assert f"| GMC | {kept:.1f} |" in text and card["command"] in text


@pytest.mark.slow
def test_config_repeats_the_run_and_nothing_is_run_twice(trained, capsys):
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*.h5")}
    table = (trained / "table.md").read_text()
    config = trained / "config.toml"
    assert main(["train", f"--config={config}"]) == 0
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*.h5")} == before
    assert (trained / "table.md").read_text() == table
    assert len(list((trained / "saved_model").iterdir())) == 1
    line = refused(capsys, "train", f"--config={config}", "--epochs=3")
    assert "`epochs`: 2 there, 3 asked for" in line


@pytest.mark.slow
def test_killed_in_training_goes_on_and_ends_as_if_uninterrupted(data, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    words = ["train", data, *SMALL, "--epochs=4", "--rows", "student alone", "--no-export"]
    assert main([*map(str, words), f"--out={whole}"]) == 0
    process = processes.Process("-m", "keras_amid", *words, f"--out={cut}")
    history = cut / "seed-0" / "student_alone" / "history.csv"
    process.wait_until(lambda: history.exists() and history.read_text().count("\n") >= 2)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (cut / "report.html").exists()
    assert main([*map(str, words), f"--out={cut}"]) == 0
    assert (cut / "table.md").read_text() == (whole / "table.md").read_text()
    assert history.read_text() == (whole / "seed-0" / "student_alone" / "history.csv").read_text()
    found, expected = (
        Predictions.load(folder / "seed-0" / "student_alone" / "predictions.npz").test.probabilities
        for folder in (cut, whole)
    )
    np.testing.assert_array_equal(found, expected)
    assert (cut / "report.html").exists()


@pytest.mark.slow
def test_evaluate_finds_the_figures_again(trained, capsys):
    for row, folder in (("GMC", "GMC"), ("student alone", "student_alone")):
        assert main(["evaluate", str(trained), "--row", row, "--json"]) == 0
        found = json.loads(capsys.readouterr().out.splitlines()[-1])
        kept = json.loads((trained / "seed-0" / folder / "result.json").read_text())
        for name in ("student top-1", "student UA"):
            assert found[name] == pytest.approx(kept[name])
    assert "`row` must be trained" in refused(capsys, "evaluate", trained, "--row", "AMID")
    assert "`run` must be a folder that" in refused(capsys, "evaluate", trained.parent)


@pytest.mark.slow
def test_predict_is_the_students_prediction_without_keras(trained, data, tmp_path):
    media, test = data.parent / "media", read_prepared(data).samples("test")
    files = [str(media / f"{row['id']}.mkv") for row in test]
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    program = (
        "import sys\nsys.argv[0] = 'keras-amid'\n"
        "from keras_amid.command.main import main\n"
        "status = main(sys.argv[1:])\n"
        "assert 'keras' not in sys.modules, 'Keras was imported'\n"
        "sys.exit(status)\n"
    )
    words = ["predict", *files, str(tmp_path / "broken.mp4"), f"--model={trained / 'saved_model'}"]
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "left out: " in done.stderr and "broken.mp4" in done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["file"] for row in rows] == files
    found = np.array([[float(row[f"p({name})"]) for name in own_data.NAMES] for row in rows])
    kept = Predictions.load(trained / "seed-0" / "GMC" / "predictions.npz").test
    np.testing.assert_allclose(found, kept.probabilities, atol=2e-5)
    assert [row["label"] for row in rows] == [
        own_data.NAMES[label] for label in found.argmax(axis=1)
    ]


def test_windows_are_those_of_the_pipeline(data, tmp_path):
    described = {
        "modalities": {"video": {"kind": "video", "shape": [5, 16, 16, 3], "sample_rate": None}},
        "fps": None, "short_side": 24,
    }  # fmt: skip
    prepared = read_prepared(data)
    row = prepared.samples("test")[0]
    found = Inputs(described).of_file(data.parent / "media" / f"{row['id']}.mkv")["video"]
    dataset = batches(prepared.records("test"), 9, {"video": Windows(5, 5, 16)}, subset=[0])
    ((x, _),) = dataset.as_numpy_iterator()
    assert found.shape == x["video"].shape == (3, 5, 16, 16, 3) and found.dtype == np.uint8
    np.testing.assert_array_equal(found, x["video"])


@pytest.mark.slow
def test_export_of_a_run(trained, tmp_path, capsys):
    assert main(["export", str(trained), str(tmp_path / "served")]) == 0
    version = Path(capsys.readouterr().out.splitlines()[-1])
    assert version == tmp_path / "served" / "1"
    assert (version / "assets" / "class_names.txt").read_text().splitlines() == list(own_data.NAMES)
    inputs = json.loads((version / "assets" / "inputs.json").read_text())
    assert inputs["modalities"]["video"]["shape"] == [4, 16, 16, 3]
    again, first = (
        json.loads((v / "model_card.json").read_text(encoding="utf-8"))
        for v in (version, trained / "saved_model" / "1")
    )
    assert again["figures"] == first["figures"] and again["name"] == "served"
    words = ["--format=litert", "--quantize=int8"]  # by samples of the run
    assert main(["export", str(trained), str(tmp_path / "lite"), *words]) == 0
    assert (tmp_path / "lite" / "1" / "model.tflite").stat().st_size > 1000
    card = json.loads((tmp_path / "lite" / "1" / "model_card.json").read_text())
    assert (card["format"], card["quantized"]) == ("litert", "int8")
    assert "must be a folder with a trained student" in refused(capsys, "export", tmp_path, "x")
    student = trained / "student.keras"
    line = refused(capsys, "export", student, tmp_path / "x", "--format=onnx", "--quantize=int8")
    assert "`representative` samples of the target modalities" in line
    words = ["--format=litert", "--quantize=int8", f"--representative={trained / 'table.md'}"]
    line = refused(capsys, "export", student, tmp_path / "x", *words)
    assert "`representative` must be an .npz file of arrays" in line
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inputs.json", "card.json", "student.keras", "class_names.txt"])
def test_a_damaged_run_is_not_exported(trained, tmp_path, capsys, name):
    for kept in ("inputs.json", "card.json", "student.keras", "class_names.txt"):
        content = (trained / kept).read_bytes()
        left = len(content) - 2 if kept == "class_names.txt" else len(content) // 2
        (tmp_path / kept).write_bytes(content[:left] if kept == name else content)
    line = refused(capsys, "export", tmp_path, tmp_path / "exported")
    assert f"{tmp_path / name} " in line
    assert not (tmp_path / "exported").exists()


@pytest.mark.slow
def test_formats_side_by_side(trained, capsys, monkeypatch):
    monkeypatch.setattr("keras_amid.experiments.formats._SECONDS", 0.0)  # a few calls each
    assert main(["formats", str(trained)]) == 0
    lines = capsys.readouterr().out.splitlines()
    head, *rows = [line.split(" | ") for line in lines if line.startswith("| ")]
    assert head[0] == "| format" and head[-1] == "ms, batch 16 |"
    found = json.loads((trained / "formats" / "formats.json").read_text())
    names = ["saved_model", "onnx", "onnx int8", "litert", "litert int8"]
    assert [row[0].removeprefix("| ") for row in rows] == [one["name"] for one in found] == names
    kept = json.loads((trained / "seed-0" / "GMC" / "result.json").read_text())["student top-1"]
    for one in found:
        assert one["note"] == "" and one["megabytes"] > 0 and min(one["milliseconds"]) > 0
        if "int8" not in one["name"]:
            assert one["difference"] < 1e-5 and one["top_1"] == pytest.approx(kept)
        else:
            assert 1e-5 < one["difference"] < 0.3
    assert "`run` must be a folder that" in refused(capsys, "formats", trained.parent)


class Report(HTMLParser):
    """Checks that elements are closed in order, and gathers what there is."""

    void = {"meta", "img", "path", "use"}

    def __init__(self):
        super().__init__()
        self.open, self.sections, self.pictures, self.loaded, self.text = [], [], 0, [], []

    def handle_starttag(self, name, attributes):
        values = dict(attributes)
        if name not in self.void:
            self.open.append(name)
        if name == "section":
            self.sections.append(values["id"])
        self.pictures += name == "img"
        self.loaded += [values[k] for k in ("src", "href") if k in values]

    def handle_endtag(self, name):
        if name not in self.void:
            assert self.open.pop() == name

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.slow
def test_the_report_is_one_file_that_says_what_was_done(trained):
    text = (trained / "report.html").read_text(encoding="utf-8")
    page = Report()
    page.feed(text)
    assert page.open == []
    assert page.sections == [
        "results", "data", "training", "classes", "representations", "retrieval", "how-it-was-made",
    ]  # fmt: skip
    assert all(link.startswith(("#", "data:image/jpeg;base64,")) for link in page.loaded)
    assert page.pictures == 4 * 4  # each test clip, and the three nearest
    assert "<script" not in text and "<dark>" not in text and "low &amp; &lt;dark&gt;" in text
    said = " ".join(page.text)
    assert "Own <clips>" in said and "keras-amid train" in said and "epochs = 2" in said
    kept = json.loads((trained / "seed-0" / "GMC" / "result.json").read_text())
    assert f"{kept['student top-1']:.1f} %" in said
    assert "Beyond the same with its pairs shuffled" in said
    logs = [
        read_history(trained / "seed-0" / row / "history.csv") for row in ("student_alone", "GMC")
    ]
    student, sound = (
        100 * logs[i][f"val_{side}_accuracy"][-1] for i, side in enumerate(("student", "auxiliary"))
    )
    assert f"audio alone (GMC, auxiliary_accuracy) is right in {sound:.1f} %" in said
    assert f"video alone (student alone) in {student:.1f} %" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "`target` must be given, here or in --config; received none"),
        (
            ["--target=face"],
            r"`target` must be of modalities among \['video', 'audio'\]; rec.*face",
        ),
        (["--target=video", "--auxiliary=video"], "`target` and `auxiliary` must be different"),
        (["--target=video", "--extractor=video=vit"], "`extractor` of 'video', video, must be one"),
        (
            ["--target=video", "--extractor=video=math:sqrt"],
            "`extractor` of 'video' must be a function of.*'math:sqrt' raised TypeError: must be",
        ),
        (["--target=video", "--extractor=face=mlp"], "`extractor` must be of modalities.*'face'"),
        (
            ["--target=video", "--checkpoint=audio=x.pth"],
            "`checkpoint` must be of a modality whose",
        ),
        (["--target=video", "--rows", "AMIT"], "`rows` must be of .*'AMIT'"),
        (["--target=video", "--rows", "teacher alone"], "`rows` must end with a row whose student"),
        (["--target=video", "--batch=99"], "`batch` must be at most the 12 training samples"),
        (["--target=video", "--rates", "1", "0.1"], "`rates` must be two numbers, 0 < lowest"),
        (["--target=video", "--epochs=0"], "`epochs` must be an integer >= 1; received 0"),
        (["--target=video", "--epochs=x"], "argument --epochs: invalid int value"),
    ],
)
def test_what_does_not_fit_is_said_before_work(data, tmp_path, capsys, words, message):
    line = refused(capsys, "train", data, f"--out={tmp_path / 'out'}", "--batch=4", *words)
    assert re.search(message, line), line
    assert not (tmp_path / "out").exists()


def test_other_folders_are_refused(data, tmp_path, capsys):
    line = refused(capsys, "train", tmp_path, "--target=video", f"--out={tmp_path / 'out'}")
    assert "must hold prepared data" in line
    (tmp_path / "file").write_text("")
    line = refused(capsys, "train", data, f"--out={tmp_path / 'file'}", *SMALL)
    assert "`out` must be a folder; received the file" in line
    with one_writer(tmp_path / "busy"):
        line = refused(capsys, "train", data, f"--out={tmp_path / 'busy'}", *SMALL)
    assert "another run uses this folder (since 20" in line and f"process {os.getpid()})" in line
    line = refused(capsys, "predict", tmp_path / "no.mp4", f"--model={data}")
    assert "`model` must be a folder with an exported student; received" in line
