import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import processes
import pytest

import keras_amid
from keras_amid.data import (
    EpochShuffle,
    MediaError,
    World,
    read_clip,
    ripple_tank,
    table,
    write_clip,
)
from keras_amid.data.datasets.ripple_tank import world as rw

pytestmark = pytest.mark.any_backend

SIZES = {"train": 24, "validation": 6, "test": 8, "sounds": 20}
ROOT = Path(keras_amid.__file__).parents[1]


def prepare(folder, **options):
    return ripple_tank.prepare(folder, **{"seed": 4, **SIZES, "progress": False, **options})


@pytest.fixture(scope="module")
def tank(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("ripple_tank"))


def gather(dataset):
    found = list(dataset.as_numpy_iterator())
    x = {name: np.concatenate([x[name] for x, _ in found]) for name in found[0][0]}
    return x, np.concatenate([y for _, y in found])


def contents(folder):
    """Every file's bytes, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_decoded_files_carry_what_the_generator_drew(tank):
    for split in ("train", "validation", "test"):
        events = World(4).draw(split, SIZES[split])
        x, y = gather(tank.pipeline(split, 5, ("video", "audio", "text")))
        assert x["video"].shape == (SIZES[split], 8, 64, 64, 1) and x["video"].dtype == np.uint8
        assert x["audio"].shape == (SIZES[split], 8000) and x["audio"].dtype == np.float32
        assert x["text"].shape == (SIZES[split], 2) and x["text"].dtype == np.int32
        np.testing.assert_array_equal(y, events.labels)
        error = rw.picture_values(x["video"]) - events.pictures
        assert np.sqrt(np.mean(error**2)) < 0.1
        for sound, amplitudes, phases in zip(
            x["audio"], events.amplitudes, events.phases, strict=True
        ):
            assert np.abs(sound - rw.render_sound(amplitudes, phases)).max() < 1e-4
        words = ["", "", *tank.vocabulary.words]
        captions = [" ".join(words[token] for token in tokens) for tokens in x["text"]]
        assert captions == [tank.fine_class_names[label] for label in events.fine_labels]


def test_sounds_alone_have_fine_labels(tank):
    events = World(4).draw("sounds", 20)
    x, y = gather(tank.pipeline("sounds", 8, ("audio",)))
    np.testing.assert_array_equal(y, events.fine_labels)
    assert set(x) == {"audio"} and x["audio"].shape == (20, 8000)
    with pytest.raises(ValueError, match="`modalities`.*'audio'.*'video'"):
        tank.pipeline("sounds", 8)


def test_the_tank_describes_itself(tank):
    assert tank.counts == SIZES and tank.seed == 4
    assert tank.left_out == {split: [] for split in SIZES}
    assert len(tank.class_names) == 40 and len(tank.fine_class_names) == 100
    assert tank.vocabulary.size == 22 and tank.vocabulary.length == 2
    with pytest.raises(ValueError, match="`split`.*'exam'"):
        tank.pipeline("exam", 4)


def test_manifest_names_real_files_with_picture_and_sound(tank):
    lines = (tank.folder / "manifest.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == sum(SIZES.values()) - SIZES["sounds"]
    assert set(rows[0]) == {"id", "file", "split", "label", "caption"}
    clip = read_clip(tank.folder / rows[0]["file"], channels=1, sample_rate=16000)
    assert clip.fps == pytest.approx(16) and len(clip.frames) / clip.fps == 0.5
    assert len(clip.audio) / clip.sample_rate == 0.5


def test_the_manifest_is_a_table(tank):
    """Anybody's recordings, that is: what the tank reads from it, `table` reads, too."""
    path = tank.folder / "manifest.jsonl"
    listing = table.read(path, bad_rows="leave-out")  # in a world so small not all is trained on
    assert list(listing.splits) == ["train", "validation", "test"]
    for split, rows in listing.splits.items():
        found = {row["id"]: int(listing.class_names[row["label"]]) for row in rows}
        known = {sample["id"]: sample["label"] for sample in tank.samples(split)}
        assert found.items() <= known.items() and (split != "train" or found == known)
        assert set(rows[0]["cells"]) == {"video", "audio", "caption"}
    assert len(listing.problems) + sum(map(len, listing.splits.values())) == 38
    sounds = table.read(tank.folder / "sounds.jsonl", kinds={"caption": "ignore"})
    assert len(sounds.splits["train"]) == SIZES["sounds"]
    assert set(sounds.splits["train"][0]["cells"]) == {"audio"}


def test_same_seed_gives_the_same_bytes_whatever_the_workers(tank, tmp_path):
    prepare(tmp_path, workers=1)
    assert contents(tmp_path) == contents(tank.folder)
    other = prepare(tmp_path / "other", seed=5)
    assert (
        gather(other.pipeline("train", 24))[1].tolist()
        != gather(tank.pipeline("train", 24))[1].tolist()
    )


def test_pipeline_shuffles_training_pairs_together(tank):
    x, y = gather(tank.pipeline("train", 8, shuffle=EpochShuffle(1)))
    events = World(4).draw("train", 24)
    values = rw.picture_values(x["video"])
    nearest = [np.argmin(np.abs(events.pictures - value).mean((1, 2, 3))) for value in values]
    assert sorted(nearest) == list(range(24)) and nearest != list(range(24))
    np.testing.assert_array_equal(y, events.labels[nearest])
    sound = rw.render_sound(events.amplitudes[nearest[0]], events.phases[nearest[0]])
    assert np.abs(x["audio"][0] - sound).max() < 1e-4


def test_second_call_writes_nothing(tank):
    before = {path: path.stat().st_mtime_ns for path in tank.folder.rglob("*")}
    assert prepare(tank.folder) == tank
    assert {path: path.stat().st_mtime_ns for path in tank.folder.rglob("*")} == before


@pytest.mark.parametrize("change", [{"seed": 5}, {"train": 25}, {"sounds": 0}])
def test_another_world_is_refused(tank, change):
    (name, asked), was = *change.items(), {"seed": 4, **SIZES}
    with pytest.raises(ValueError, match=f"`{name}`: {was[name]} there, {asked} asked for"):
        prepare(tank.folder, **change)


@pytest.mark.parametrize("change", [{"train": -1}, {"test": 2.5}, {"workers": 0}, {"seed": "0"}])
def test_wrong_arguments_are_named(tmp_path, change):
    with pytest.raises(ValueError, match=f"`{next(iter(change))}`"):
        prepare(tmp_path / "new", **change)
    assert not (tmp_path / "new").exists()


def spoil(folder):
    """Puts unusable files where media files belong; files that are there are taken as whole."""
    good = folder / "good.mkv"
    events = World(4).draw("train", 1)
    video = rw.render_video(events.frames[0])
    write_clip(good, video, rw.FPS, np.zeros(8000, "f4"), 16000)
    media = folder / "media" / "train"
    media.mkdir(parents=True)
    (media / "train-00001.mkv").write_bytes(b"")
    (media / "train-00003.mkv").write_bytes(b"no clip at all" * 50)
    (media / "train-00005.mkv").write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    write_clip(media / "train-00007.mkv", video, rw.FPS)
    write_clip(media / "train-00009.mkv", video[:5], rw.FPS, np.zeros(8000, "f4"), 16000)
    good.unlink()


def test_unusable_files_are_left_out_and_the_run_goes_on(tmp_path):
    spoil(tmp_path)
    tank = prepare(tmp_path)
    reasons = {item["id"]: item["reason"] for item in tank.left_out["train"]}
    assert list(reasons) == [f"train-{i:05d}" for i in (1, 3, 5, 7, 9)]
    assert "zero bytes" in reasons["train-00001"] and "broken" in reasons["train-00003"]
    assert reasons["train-00007"] == "no sound" and "5, 64, 64" in reasons["train-00009"]
    report = tank.report()
    assert "files that cannot be used: 5\n" in report and all(name in report for name in reasons)
    assert tank.counts == {**SIZES, "train": 19}
    _, y = gather(tank.pipeline("train", 8))
    labels = World(4).draw("train", 24).labels
    np.testing.assert_array_equal(y, np.delete(labels, [1, 3, 5, 7, 9]))


def command(folder, *options):
    return ["-m", "keras_amid.data.prepare", "ripple_tank", "--out", folder, "--quiet", *options]


def kill_when(folder, options, reached):
    """Starts the command and kills it (SIGKILL) as soon as `reached` holds of the folder."""
    process = processes.Process(*command(folder, *options))
    process.wait_until(reached)
    process.kill()
    assert process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_killed_preparation_is_resumed_to_the_same_bytes(tmp_path):
    sizes = {"train": 300, "validation": 6, "test": 0, "sounds": 0}
    options = ["--seed", "4", *(f"--{name}={size}" for name, size in sizes.items())]
    killed = tmp_path / "killed"
    kill_when(killed, options, lambda: len(list(killed.glob("media/train/train-*.mkv"))) > 20)
    whole = list(killed.glob("media/train/train-*.mkv"))
    assert 20 < len(whole) < 300
    before = {path: path.stat().st_mtime_ns for path in whole}
    shard = killed / "records" / "train" / "shard-00000.tfrecord"
    kill_when(killed, options, lambda: shard.exists())
    assert not (killed / "records" / "validation" / "index.json").exists()
    tank = prepare(killed, **sizes)
    assert {path: path.stat().st_mtime_ns for path in whole} == before
    prepare(tmp_path / "uninterrupted", **sizes)
    assert contents(killed) == contents(tmp_path / "uninterrupted")
    assert tank.counts == {"train": 300, "validation": 6}


def test_command(tank):
    sizes = [f"--{name}={size}" for name, size in SIZES.items()]
    for options, expected in (
        (["--seed", "4", *sizes], ["train 24", "validation 6", "test 8", "sounds 20", "used: 0"]),
        (["--help"], ["--workers", "--seed", "--train", "(default: 320)", "--sounds"]),
    ):
        done = processes.run(*command(tank.folder, *options))
        assert done.returncode == 0, done.stderr
        printed = " ".join(done.stdout.split())
        assert all(text in printed for text in expected)


def test_importing_the_package_loads_neither_tensorflow_nor_ffmpeg():
    code = (
        "import sys, keras_amid.data as data; dir(data); "
        "print([name for name in ('tensorflow', 'av', 'torch') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_lazy_names_are_what_they_say():
    import keras_amid.data as data

    for name in data.__all__:
        assert getattr(data, name) is not None and name in dir(data)
    assert data.MediaError is MediaError
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        data.nothing  # noqa: B018
