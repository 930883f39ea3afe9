"""The code of the pages runs; tests/test_guides.py has the guides that need recordings.

Every page's blocks are run by some test: the last test here counts them.
"""

import contextlib
import io
import re
import shlex
from pathlib import Path

import keras
import numpy as np
import pytest
import recordings as rec
import tiny

import keras_amid as ka
from keras_amid.command.main import main
from keras_amid.data.media import MediaError

pytestmark = pytest.mark.any_backend

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
#: What a block may be that is no code: what is printed, a table of data, a formula, a drawing.
OUTPUTS = {"text", "csv", "math"}
GUIDES = {"own-media.md", "sensors.md", "text-and-sound.md", "few-labels.md"}


def blocks(name):
    """The (language, text) of a page's code blocks, in their order."""
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def code(name):
    return [text for language, text in blocks(name) if language == "python"]


@pytest.fixture(autouse=True)
def eager_steps_in_a_folder_of_its_own(monkeypatch, tmp_path):
    """Steps eagerly: for a step or two tracing is what takes time."""
    compile_model = ka.Distiller.compile
    quickly = {"run_eagerly": True, "jit_compile": False}
    monkeypatch.setattr(ka.Distiller, "compile", lambda *a, **k: compile_model(*a, **k, **quickly))
    monkeypatch.chdir(tmp_path)


def test_quickstart(tmp_path, capsys):
    first, second, third = code("quickstart.md")
    names = {}
    exec(first, names)
    assert "EPOCHS = 30" in second
    exec(second.replace("EPOCHS = 30", "EPOCHS = 1"), names)
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition(" ")[0] for line in lines] == ["student alone", "AMID"]
    exec(third, names)
    version = tmp_path / "saved_models" / "digits" / "1"
    assert (version / "assets" / "class_names.txt").read_text().split() == list("0123456789")
    student = keras.saving.load_model("student.keras")
    found = student({"upper": names["x_test"]["upper"][:8]})["probabilities"]
    expected = names["probabilities"][:8]
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5, atol=1e-6)


def test_methods():
    (example,) = code("methods.md")
    names = {"ka": ka}
    names["extractor"] = lambda: keras.Sequential([keras.Input((5,)), keras.layers.Dense(8)])
    exec(example, names)
    models = names["models"]
    assert models["MIs"].mi_auxiliary_weight == 0 and models["M detached (ours)"].detach_teacher
    assert not models["no D2"].use_enhanced_discriminator
    assert names["no_warmup"].warmup_epochs == 0 and names["uniform_lambda"].smoothing == 1


def test_backends(capsys):
    (example,) = code("backends.md")
    exec(example, {})
    assert capsys.readouterr().out.split() == [keras.backend.backend()]


def test_missing_modalities(tmp_path):
    rows = []
    for number in range(24):
        split = "train" if number < 16 else ["validation", "test"][number % 2]
        row = {"id": f"walk-{number:02d}", "split": split, "label": ["level", "stairs"][number % 2]}
        rain = "" if number % 4 == 1 else 0.5 * number
        rows.append({**row, "watch.x": number, "watch.y": 2.0, "weather.rain": rain})
    rec.write_csv(tmp_path / "measured.csv", rows)
    header = dict(blocks("missing-modalities.md"))["csv"].splitlines()[0]
    assert (tmp_path / "measured.csv").read_text().splitlines()[0] == header
    names, out = {}, io.StringIO()
    with contextlib.redirect_stdout(out):
        for language, text in blocks("missing-modalities.md"):
            if language == "sh":
                assert main(shlex.split(text)[1:]) == 0
            elif language == "python":
                exec(text, names)
    there, accuracies = out.getvalue().splitlines()[-2:]
    assert there.startswith("['present', 'watch', 'weather'] ['weather'] ")
    sides = ["auxiliary", "student", "teacher"]
    assert accuracies == str([f"{side}_accuracy" for side in sides])


def entries():
    """(message, code) of each message that the page explains."""
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    found = re.findall(r"^### `` (.*?) ``\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(found) == text.count("\n### ") >= 15
    return [
        (message, re.search(r"```python\n(.*?)```", part, re.DOTALL)[1]) for message, part in found
    ]


def test_several_devices():
    """TensorFlow's way, on the one device there is; tests/distiller/test_devices.py has several."""
    (example,) = code("several-devices.md")
    names = {
        "ka": ka,
        "keras": keras,
        "target": lambda: {"video": tiny.extractor(tiny.VIDEO, 4, "video")},
        "auxiliary": lambda: {"audio": tiny.extractor(tiny.AUDIO, 4, "audio")},
    }
    import tensorflow as tf

    names["train"] = tf.data.Dataset.from_tensor_slices(tiny.data(8)).batch(8)
    exec(example, names)
    assert names["model"].distribute_strategy is names["strategy"]
    assert names["model"].optimizer.iterations.numpy() == 2


def test_every_message_of_troubleshooting_comes_from_its_code():
    preamble, *rest = code("troubleshooting.md")
    assert [text for _, text in entries()] == rest
    for message, text in entries():
        names = {}
        exec(preamble, names)
        pattern = "[^\x00]*".join(map(re.escape, message.split("…")))
        with (
            pytest.raises((ValueError, TypeError, OSError, MediaError)) as caught,
            contextlib.redirect_stdout(io.StringIO()),
        ):
            exec(text, names)
        assert re.search(pattern, str(caught.value)), (message, str(caught.value))


def shell_lines():
    """(page, words) of every line of shell in the pages that test_guides.py does not run."""
    for path in sorted(DOCS.glob("*.md")):
        for language, text in blocks(path.name):
            if language == "sh" and path.name not in GUIDES:
                for line in text.replace("\\\n", " ").splitlines():
                    words = shlex.split(line, comments=True)
                    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                        words = words[1:]
                    if words:
                        yield path.name, words


def test_shell_lines_name_what_is_there():
    makefile, setup = (ROOT / "Makefile").read_text(), (ROOT / "setup.py").read_text()
    lines = list(shell_lines())
    assert len(lines) >= 8
    for page, words in lines:
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE), (page, words)
        elif words[0] == "pip":
            extra = re.fullmatch(r"\.(?:\[(\w+)\])?", words[-1])
            assert extra and (extra[1] is None or f'"{extra[1]}": [' in setup), (page, words)
        elif words[0] == "python" and words[1] != "-m":
            assert (ROOT / words[1]).is_file(), (page, words)
        else:
            name = words[2] if words[0] == "python" else words[0].replace("-", "_")
            assert name.startswith("keras_amid"), (page, words)


def test_every_block_is_run_or_an_output():
    here = Path(__file__).read_text() + (ROOT / "tests" / "test_guides.py").read_text()
    for path in sorted(DOCS.glob("*.md")):
        found = blocks(path.name)
        assert path.read_text(encoding="utf-8").count("\n```") == 2 * len(found), path.name
        for language, _ in found:
            assert language in {"python", "sh"} | OUTPUTS, (path.name, language)
        if any(language == "python" for language, _ in found):
            assert f'"{path.name}"' in here, path.name
