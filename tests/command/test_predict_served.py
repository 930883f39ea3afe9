"""`keras-amid predict --server` by REST and gRPC: what is served is what `predict_videos` says."""

import csv
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
import own_data
import pytest
import requests
from processes import Process
from students import clip_features

import keras_amid as ka
from keras_amid.command.main import main
from keras_amid.data import Windows, batches
from keras_amid.data.datasets import read_prepared
from keras_amid.serving import ServerError, connect

pytestmark = [pytest.mark.any_backend, pytest.mark.slow]
STANDIN = Path(__file__).parents[1] / "support" / "standin_server.py"
SHAPE = (5, 16, 16, 3)
DESCRIBED = {
    "modalities": {"video": {"kind": "video", "shape": SHAPE, "sample_rate": None}},
    "fps": None, "short_side": 24,
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return own_data.make(tmp_path_factory.mktemp("own"), count=10)


def make_model():
    import keras

    keras.utils.set_random_seed(0)
    clip = keras.Input(SHAPE, dtype="uint8", name="video")
    model = ka.StudentOnly(
        {"video": keras.Model(clip, clip_features(clip))}, {}, num_classes=2, representation_dim=6
    )
    # Probabilities far from each other, so that a mean over windows is not that of the logits.
    model.classifier.set_weights([w * 40 for w in model.classifier.get_weights()])
    return model


@pytest.fixture(scope="module")
def student(data):
    """Files of the test split, and what `predict_videos` says of them; the folder of versions."""
    model, prepared = make_model(), read_prepared(data)
    windows = batches(prepared.records("test"), 4, {"video": Windows(5, 5, 16)}, with_index=True)
    expected = ka.predict_videos(model, windows)
    assert expected.windows.min() == 3
    files = [f"{data.parent}/media/{row['id']}.mkv" for row in prepared.samples("test")]
    path = data.parent / "served"
    assets = {"inputs.json": json.dumps(DESCRIBED)}
    ka.export_student(model, path, list(own_data.NAMES), assets=assets)
    return files, expected.probabilities, path


@pytest.fixture(scope="module", params=["stand-in", "tensorflow_model_server"])
def server(request, student):
    """REST and gRPC ports, and whether it can be told to fail."""
    folder = student[-1]
    if request.param == "stand-in":
        process = Process(STANDIN, "clips", folder)
        process.wait_until(lambda: process.stdout.endswith("]\n"))
        ports = json.loads(process.stdout)
    else:
        program = shutil.which(request.param)
        if program is None:
            pytest.skip(f"{request.param} is not on the PATH")
        ports = [free_port(), free_port()]
        process = subprocess.Popen(
            [program, f"--rest_api_port={ports[0]}", f"--port={ports[1]}", "--model_name=clips",
             f"--model_base_path={folder}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait(f"http://127.0.0.1:{ports[0]}/v1/models/clips")
    yield (*ports, request.param == "stand-in")
    process.kill()
    process.wait()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait(url):
    for _ in range(300):
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"no server at {url}")


def addresses(server):
    return [f"127.0.0.1:{server[0]}", f"grpc://127.0.0.1:{server[1]}"]


def test_what_is_served_is_what_predict_videos_says(student, server, tmp_path, capsys):
    files, expected, path = student
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    asked = [["--server", address, "--model", "clips"] for address in addresses(server)]
    for number, words in enumerate([*asked, ["--model", str(path)]]):
        out = tmp_path / f"{number}.csv"
        broken = [str(tmp_path / "broken.mp4")]
        assert main(["predict", *files, *broken, *words, "--batch=2", f"--out={out}"]) == 1
        assert "left out: " in capsys.readouterr().err
        with open(out, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [row["file"] for row in rows] == files
        found = np.array([[float(row[f"p({name})"]) for name in own_data.NAMES] for row in rows])
        np.testing.assert_allclose(found, expected, atol=1e-5)
        labels = [own_data.NAMES[number] for number in expected.argmax(axis=1)]
        assert [row["label"] for row in rows] == labels


def refused(capsys, *words):
    with pytest.raises(SystemExit) as exit:
        main(["predict", *words])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("keras-amid predict: ")
    return exit.value.code, lines[0]


def test_what_a_server_refuses_is_said_in_a_line(student, server, capsys):
    file = student[0][0]
    for address in addresses(server):
        asked = [file, "--server", address, "--model"]
        status, line = refused(capsys, *asked, "other")
        assert status == 2 and "`model` 'other' of " in line and "ervable not found" in line
        status, line = refused(capsys, *asked, "clips", "--version=7")
        assert status == 2 and "`model` 'clips' of " in line
        student_there = connect(address, "clips")
        with pytest.raises(ValueError, match="`model` 'clips' of .* cannot be asked so"):
            student_there.predict(
                "serving_default", {"video": np.zeros((1, 2, 2, 2, 3), "uint8")}, "logits"
            )


def test_a_busy_server_is_asked_again(student, server, tmp_path, capsys):
    if not server[2]:
        pytest.skip("only the stand-in fails when told")
    file = student[0][0]
    faults = f"http://127.0.0.1:{server[0]}/faults"
    for address in addresses(server):
        asked = [file, "--server", address, "--model", "clips"]
        requests.post(faults, json={"unavailable": 2}, timeout=5)
        assert main(["predict", *asked, "--retries=2"]) == 0
        assert capsys.readouterr().out.count("\n") == 2
        requests.post(faults, json={"unavailable": 2}, timeout=5)
        status, line = refused(capsys, *asked, "--retries=0")
        assert status == 1 and "starting" in line
        requests.post(faults, json={"unavailable": 0, "seconds": 1.5}, timeout=5)
        status, line = refused(capsys, *asked, "--retries=0", "--timeout=0.3")
        assert status == 1 and "too slow for --timeout" in line
        requests.post(faults, json={"seconds": 0}, timeout=5)


def test_no_server_and_wrong_addresses(student, capsys):
    file, port = student[0][0], free_port()
    for address in (f"127.0.0.1:{port}", f"grpc://127.0.0.1:{port}"):
        asked = [file, "--server", address, "--model", "clips", "--retries=1", "--timeout=5"]
        status, line = refused(capsys, *asked)
        assert (
            status == 1 and f"no answer from {address}".replace("from 1", "from http://1") in line
        )
    for address in ("localhost", "ftp://localhost:1", "localhost:http", "http://a:1/v1", ":8501"):
        status, line = refused(capsys, file, "--server", address, "--model", "clips")
        assert status == 2 and "`server` must be HOST:PORT" in line and repr(address) in line
    for words, message in (
        (["--timeout=0"], "`timeout` must be a finite number > 0; received 0.0"),
        (["--retries=5"], "`retries` must be an integer >= 0 and <= 4; received 5"),
        (["--batch=0"], "`batch` must be an integer >= 1; received 0"),
        (["--version=0"], "`version` must be an integer >= 1; received 0"),
    ):
        status, line = refused(capsys, file, "--server=localhost:1", "--model=clips", *words)
        assert status == 2 and message in line
    status, line = refused(capsys, file, f"--model={student[-1]}", "--version=1")
    assert status == 2 and "`version` must be given with --server only" in line
    with pytest.raises(ServerError):
        connect(f"127.0.0.1:{port}", "clips", retries=0).predict("serving_default", {}, "logits")
