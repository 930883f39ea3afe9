import json
import shutil
import signal
from pathlib import Path

import numpy as np
import processes
import pytest
import record_examples

import keras_amid
import keras_amid.data.prepare as command
from keras_amid.data import PreparedData, iemocap, ucf51, write_clip
from keras_amid.data.datasets.miniatures import ucf51 as miniature

pytestmark = pytest.mark.any_backend
ROOT = Path(keras_amid.__file__).parents[1]
OPTIONS = {"sample_rate": 8000, "short_side": 24, "shard_size": 2}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return miniature.write(tmp_path_factory.mktemp("ucf"), classes=2, videos=3, size=(24, 32))


@pytest.fixture(scope="module")
def whole(root, tmp_path_factory):
    """Prepared at once by one worker."""
    out = tmp_path_factory.mktemp("whole")
    ucf51.prepare(root, out, **OPTIONS, workers=1, progress=False)
    return out


def start(root, out, *more):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in OPTIONS.items()]
    arguments = ["-m", "keras_amid.data.prepare", "ucf51", "--root", str(root), "--out", str(out)]
    return processes.Process(*arguments, *options, "--quiet", *more)


def finish(process):
    assert process.wait(120) == 0, process.stderr
    return process.stdout


def contents(out):
    found = record_examples.contents(out)
    return {name: content for name, content in found.items() if not name.startswith("report")}


@pytest.mark.slow
def test_killed_and_shared_preparations_give_the_same_bytes(root, whole, tmp_path):
    """Two processes with two workers each; one is killed in the middle of its second shard."""
    listed = ucf51.read(root).splits["train"]
    path = root / "UCF-101" / listed[4]["file"]  # in shard 2, the second one of part 0
    good = path.read_bytes()
    long = np.zeros((4000, 240, 320, 3), "uint8")  # takes seconds to read
    write_clip(path, long, 25, np.zeros(160 * 16000, "float32"), 16000, "mpeg4", "mp3")
    del long
    first, second = (start(root, tmp_path, f"--shard={part}/2", "--workers=2") for part in (0, 1))
    shards = tmp_path / "records" / "train"
    try:
        first.wait_until((shards / "shard-00000.json").exists, seconds=120)
        first.kill()
        assert "part 1/2 is written; other parts are not yet complete" in finish(second)
    finally:
        for process in (first, second):
            process.kill()
            process.wait()
        path.write_bytes(good)
    assert first.returncode == -signal.SIGKILL
    assert not (shards / "shard-00002.tfrecord").exists()
    with pytest.raises(ValueError, match="not complete"):
        PreparedData.open(tmp_path)
    before = (shards / "shard-00000.tfrecord").stat().st_mtime_ns
    data = ucf51.prepare(root, tmp_path, **OPTIONS, part=(0, 2), workers=2, progress=False)
    assert (shards / "shard-00000.tfrecord").stat().st_mtime_ns == before
    assert contents(tmp_path) == contents(whole)
    assert data.counts == PreparedData.open(whole).counts == {"train": 7, "test": 2}


def test_command_in_process(root, whole, capsys):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in OPTIONS.items()]
    before = record_examples.contents(whole)
    arguments = ["ucf51", f"--root={root}", f"--out={whole}", *options, "--quiet"]
    assert command.main(arguments) == 0
    assert record_examples.contents(whole) == before
    printed = capsys.readouterr().out
    assert PreparedData.open(whole).report() in printed and "this line does not parse" in printed
    report = json.loads((whole / "report.json").read_text())
    assert report["counts"] == {"train": 7, "test": 2}
    assert report["problems"] == PreparedData.open(whole).problems


def test_a_part_alone_does_not_complete(root, tmp_path, capsys):
    arguments = ["ucf51", f"--root={root}", f"--out={tmp_path}", "--shard=1/3", "--quiet"]
    assert command.main([*arguments, "--shard-size=4", "--short-side=24"]) == 0
    assert "part 1/3 is written; other parts are not yet complete" in capsys.readouterr().out
    with pytest.raises(ValueError, match="not complete"):
        PreparedData.open(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sample_rate": 16000}, "`sample_rate`: 8000 there, 16000 asked for"),
        ({"short_side": 32}, "`short_side`: 24 there, 32 asked for"),
        ({"fps": 5.0}, "`fps`: None there, 5.0 asked for"),
        ({"split": 2}, "`split`: 1 there, 2 asked for"),
        ({"shard_size": 3}, "`shard_size`: 2 there, 3 asked for"),
    ],
)
def test_records_of_other_settings_are_refused(root, whole, change, message):
    before = contents(whole)
    with pytest.raises(ValueError, match=message):
        ucf51.prepare(root, whole, **{**OPTIONS, **change}, progress=False)
    assert contents(whole) == before


def test_added_and_mended_videos_are_taken_up_and_nothing_else_is_read(root, tmp_path, capsys):
    root, out = shutil.copytree(root, tmp_path / "ucf"), tmp_path / "out"
    first = ucf51.prepare(root, out, **OPTIONS, progress=False)
    kept = record_examples.examples(out / "records" / "train")
    empty = next(i["id"] for i in first.left_out["train"] if "zero bytes" in i["reason"])
    good = next(root.rglob("v_ApplyEyeMakeup_g09_c01.avi"))
    content, added = good.read_bytes(), "v_ApplyEyeMakeup_g23_c01"  # listed, and missing so far
    for path in (root / "UCF-101").rglob("*.avi"):  # whatever is read once more cannot be used
        path.write_bytes(bytes(path.stat().st_size))
    for name in (empty, added):
        good.with_name(f"{name}.avi").write_bytes(content)
    second = ucf51.prepare(root, out, **OPTIONS)
    said = capsys.readouterr().out
    assert f"{empty!r}" in said and "with another file" in said and f"sample {added!r} new" in said
    assert second.counts["train"] == first.counts["train"] + 2
    assert second.counts["test"] == first.counts["test"]
    now = record_examples.examples(out / "records" / "train")
    assert set(now) == {*kept, empty, added}
    assert all(now[name] == kept[name] for name in kept)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ucf51", "--root=nowhere", "--out=x"], "received nowhere, which is no folder"),
        (["ucf51", "--root=x"], "required: --out"),
        (["kinetics"], "invalid choice: 'kinetics'"),
        (["ucf51", "--root=x", "--out=x", "--shard=2/2"], "must be I/N with 0 <= I < N"),
        (["ucf51", "--root=x", "--out=x", "--shard=two"], "must be I/N with 0 <= I < N"),
        (["iemocap", "--root=x", "--out=x", "--side=left"], "`side` must be one of"),
    ],
)
def test_wrong_commands_are_explained(capsys, monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2 and message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ucf51", ["--split", "--sample-rate", "--short-side", "--fps", "(default: 32000)"]),
        ("activitynet", ["--sample-rate", "--fps", "(default: 8.0)"]),
        ("iemocap", ["--side", "--sample-rate", "(default: 16000)", "left half"]),
        ("mmin", ["--face", "--audio", "--text", "(default: denseface)"]),
    ],
)
def test_help(capsys, name, options):
    with pytest.raises(SystemExit) as caught:
        command.main([name, "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0
    for option in [*options, "--root", "--out", "--workers", "--shard I/N", "--shard-size"]:
        assert option in printed


def test_what_was_prepared_opens_without_the_originals(whole, tmp_path):
    data = PreparedData.open(whole)
    assert data.name == "UCF51" and data.sample_rate == 8000 and data.num_classes == 51
    assert [s["id"] for s in data.samples("test")] == list(
        record_examples.labels(data.records("test"))
    )
    with pytest.raises(ValueError, match="must hold prepared data"):
        PreparedData.open(tmp_path)
    assert iemocap.CLASS_NAMES == ("angry", "happy", "neutral", "sad")
