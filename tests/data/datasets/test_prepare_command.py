"""The command when something goes wrong: one line, an exit status, and nothing lost."""

import errno
import signal
import tempfile
import time
from pathlib import Path

import processes
import pytest
import record_examples

import keras_amid
import keras_amid.data.prepare as command
from keras_amid.data import PreparedData, mmin, ucf51, write_clip
from keras_amid.data.datasets import preparing, reporting
from keras_amid.data.datasets.miniatures import content
from keras_amid.data.datasets.miniatures import mmin as mmin_miniature
from keras_amid.data.datasets.miniatures import ucf51 as miniature

pytestmark = pytest.mark.any_backend
ROOT = Path(keras_amid.__file__).parents[1]
OPTIONS = ["--sample-rate=8000", "--short-side=24", "--shard-size=2", "--quiet"]
SAME = {"sample_rate": 8000, "short_side": 24, "shard_size": 2, "progress": False}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ucf")
    return miniature.write(folder, classes=2, videos=15, size=(24, 32), awkward=False)


def script(root, out, *options, limit=None):
    """Starts the command; `limit`: bytes that a file may have, as where the disk is full."""
    words = ["-m", "keras_amid.data.prepare", "ucf51", "--root", root, "--out", out]
    return processes.Process(*words, *OPTIONS, *options, file_size=limit)


def last_line(printed):
    """The command's own line; TensorFlow's start-up messages may stand before."""
    assert "Traceback" not in printed, printed
    return printed.splitlines()[-1]


def contents(out):
    found = record_examples.contents(out)
    return {name: content for name, content in found.items() if not name.startswith("report")}


def run(capsys, *arguments):
    """Runs the command in this process: (exit status, lines on the standard error)."""
    try:
        status = command.main([*arguments, "--quiet"])
    except SystemExit as error:
        status = error.code
    return status, capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("name", "option", "message"),
    [
        ("ucf51", "--fps=-1", "`fps` must be a finite number > 0 and <= 1000.0; received -1.0"),
        ("ucf51", "--fps=nan", "`fps` must be"),
        ("activitynet", "--fps=1e12", "`fps` must be"),
        ("ucf51", "--short-side=0", "`short_side` must be an integer >= 1; received 0"),
        ("iemocap", "--short-side=-5", "`short_side` must be"),
        (
            "ucf51",
            "--sample-rate=0",
            "an integer >= 1000 and <= 384000; received 0",
        ),
        ("ucf51", "--sample-rate=7", "`sample_rate` must be an integer >= 1000"),
        ("iemocap", "--sample-rate=-16000", "`sample_rate` must be"),
        ("ucf51", "--shard-size=0", "`shard_size` must be"),
        ("ucf51", "--workers=0", "`workers` must be"),
        ("mmin", "--face=", "`face` must be a name or None; received ''"),
        ("ripple_tank", "--seed=-1", "`seed` must be an integer >= 0; received -1"),
        ("ripple_tank", "--train=-3", "`train` must be"),
    ],
)
def test_wrong_values_are_refused_in_one_line(capsys, tmp_path, root, name, option, message):
    where = [f"--out={tmp_path / 'out'}"] + [f"--root={root}"] * (name != "ripple_tank")
    status, lines = run(capsys, name, *where, option)
    assert status == 2 and len(lines) == 1 and message in lines[0]
    assert not (tmp_path / "out").exists()


def test_all_frames_and_no_features(capsys, tmp_path, root):
    """What stands for None on the command line."""
    status, _ = run(capsys, "ucf51", f"--root={root}", f"--out={tmp_path / 'a'}", "--fps=0")
    assert status == 0 and PreparedData.open(tmp_path / "a").settings["fps"] is None
    features = mmin_miniature.write(tmp_path / "features", utterances=1)
    where = [f"--root={features}", f"--out={tmp_path / 'b'}"]
    status, _ = run(capsys, "mmin", *where, "--face=none", "--text=none")
    assert status == 0 and PreparedData.open(tmp_path / "b").settings["face"] is None


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_out_that_is_a_file(capsys, tmp_path, root, name):
    (tmp_path / "file").write_text("mine")
    status, lines = run(capsys, "ucf51", f"--root={root}", f"--out={tmp_path / name}")
    assert status == 2 and len(lines) == 1
    assert "`out` must be a folder to write to" in lines[0] and "is a file" in lines[0]
    assert (tmp_path / "file").read_text() == "mine"


def test_out_that_cannot_be_written_to(capsys, monkeypatch, tmp_path, root):
    def refuse(**options):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    status, lines = run(capsys, "ucf51", f"--root={root}", f"--out={tmp_path / 'out'}")
    assert status == 2 and len(lines) == 1
    assert f"received {tmp_path / 'out'} (Permission denied)" in lines[0]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x/shard"), 1, "/x/shard: No space"),
        (OSError("the network is gone"), 1, "the network is gone"),
        (KeyboardInterrupt(), 130, "stopped; the same command goes on where it was stopped"),
    ],
)
def test_work_that_fails_says_so(capsys, monkeypatch, tmp_path, root, error, status, message):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(preparing, "write_records", fail)
    found, lines = run(capsys, "ucf51", f"--root={root}", f"--out={tmp_path / 'out'}")
    assert found == status and len(lines) == 1 and message in lines[0]
    assert "the same command goes on" in lines[0]


@pytest.mark.slow
def test_a_full_disk(tmp_path, root):
    """The system's own refusal, within a shard; afterwards the same command completes the data."""
    ucf51.prepare(root, tmp_path / "whole", **SAME)
    sizes = [p.stat().st_size for p in (tmp_path / "whole").rglob("*.tfrecord")]
    process = script(root, tmp_path / "out", limit=max(sizes) - 1)
    process.wait(200)
    errors = process.stderr
    assert process.returncode == 1, errors
    assert "cannot be written" in last_line(errors) and "File too large" in last_line(errors)
    left = [p.name for p in (tmp_path / "out").rglob("*") if p.name.startswith(".")]
    assert not left
    ucf51.prepare(root, tmp_path / "out", **SAME)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_control_c(tmp_path, root):
    ucf51.prepare(root, tmp_path / "whole", **SAME)
    process = script(root, tmp_path / "out", "--workers=1")
    shards = tmp_path / "out" / "records" / "train"
    deadline = time.monotonic() + 200
    try:
        while not (shards / "shard-00000.json").exists() and time.monotonic() < deadline:
            assert process.poll() is None, process.stderr
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        process.wait(60)
        errors = process.stderr
    finally:
        process.kill()
    assert process.returncode == 130, errors
    assert last_line(errors).endswith("stopped; the same command goes on where it was stopped")
    assert not (tmp_path / "out" / "report.txt").exists()
    before = (shards / "shard-00000.tfrecord").stat().st_mtime_ns
    ucf51.prepare(root, tmp_path / "out", **SAME)
    assert (shards / "shard-00000.tfrecord").stat().st_mtime_ns == before
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_all_files_silent(capsys, tmp_path):
    root = miniature.write(tmp_path / "root", classes=1, videos=3, size=(24, 32), awkward=False)
    for path in (root / "UCF-101").rglob("*.avi"):
        write_clip(path, content.pattern(0, 0, 0.4, 25, (24, 32)), 25, video_codec="mpeg4")
    status, lines = run(capsys, "ucf51", f"--root={root}", f"--out={tmp_path / 'out'}")
    assert status == 1 and lines == [
        "error: none of the samples could be used; the report says why"
    ]
    report = (tmp_path / "out" / "report.txt").read_text()
    assert "3 x no sound" in report and " ".join(report.split()).count("total 0") == 1


def test_thousands_of_ids_are_counted_and_some_are_named():
    items = [{"id": f"video{n:05d}", "reason": "no such file"} for n in range(14351)]
    items += [{"id": f"cut{n}", "reason": f"truncated ({n / 10} s of 9 s)"} for n in range(5000)]
    items += [{"id": f"odd{n}", "reason": "a" * n} for n in range(1, 300)]
    title, *lines = reporting.by_reason("left out", items)
    assert title == "left out: 19650"
    assert lines[0].startswith("  14351 x no such file: video00000, video00001, ")
    assert lines[0].endswith("video00019, and 14331 more, see report.json")
    assert lines[1].startswith("  5000 x truncated (0.0 s of 9 s) and the like: cut0, cut1, ")
    assert len(lines) == 21 and max(map(len, lines)) < 500
    assert lines[-1] == "  281 x other reasons, 281 in all: see report.json"


def test_the_report_in_full_is_kept(tmp_path):
    root = miniature.write(tmp_path / "root", classes=1, videos=2, size=(24, 32), awkward=False)
    path = root / "ucfTrainTestlist" / "trainlist01.txt"
    names = [f"v_Archery_g{group:02d}_c{clip:02d}" for group in range(50) for clip in range(50)]
    with open(path, "a") as file:
        file.writelines(f"Archery/{name}.avi 3\n" for name in names)
    data = ucf51.prepare(root, tmp_path / "out", **SAME)
    text = (tmp_path / "out" / "report.txt").read_text()
    assert "and 2480 more, see report.json" in text and max(map(len, text.splitlines())) < 1000
    full = (tmp_path / "out" / "report.json").read_text()
    assert all(name in full for name in names) and len(data.problems) == 2500


def test_damaged_descriptions_are_named_and_written_anew(tmp_path):
    root = mmin_miniature.write(tmp_path / "root", utterances=1)
    data = mmin.prepare(root, tmp_path / "out", progress=False)
    path = tmp_path / "out" / "dataset.json"
    whole = path.read_text()
    for text in (
        "",
        "[]",
        whole[: len(whole) // 2],
        whole.replace('"angry"', '"sad"'),
        whole.replace('"sad"', '"sadder"'),
        whole.replace('"name"', '"title"'),
    ):
        assert text != whole
        path.write_text(text)
        with pytest.raises(ValueError, match="dataset.json is damaged, or was edited"):
            PreparedData.open(tmp_path / "out")
        assert mmin.prepare(root, tmp_path / "out", progress=False) == data
        assert path.read_text() == whole
