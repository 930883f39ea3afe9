import numpy as np
import pytest
import record_examples

from keras_amid.data import media, miniatures
from keras_amid.data.datasets.miniatures import content

pytestmark = pytest.mark.any_backend
SMALL = {
    "ucf51": {"classes": 2, "videos": 2, "size": (24, 32)},
    "activitynet": {"classes": 2, "videos": 2, "size": (24, 32), "seconds": 1.0},
    "iemocap": {"utterances": 1, "seconds": 0.5, "size": (60, 90)},
    "mmin": {"utterances": 1, "frames": 4},
}


@pytest.mark.parametrize("name", miniatures.__all__)
def test_the_same_seed_gives_the_same_files(tmp_path, name):
    module = getattr(miniatures, name)
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        options = {**SMALL.get(name, {}), "seed": seed}
        assert module.write(tmp_path / folder, **options) == tmp_path / folder
    first = record_examples.contents(tmp_path / "a")
    assert first == record_examples.contents(tmp_path / "b")
    other = record_examples.contents(tmp_path / "c")
    assert set(other) == set(first) and other != first


def test_without_awkward_cases_nothing_is_left_out(tmp_path):
    from keras_amid.data import activitynet, iemocap, mmin, ucf51

    modules = {"ucf51": ucf51, "activitynet": activitynet, "iemocap": iemocap, "mmin": mmin}
    for name, module in modules.items():
        root = getattr(miniatures, name).write(tmp_path / name, **SMALL[name], awkward=False)
        problems = [item["reason"] for item in module.read(root).problems]
        assert problems == ["annotates 2 classes instead of 200"] * (name == "activitynet")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("ucf51", {"classes": 52}, "`classes` must be an integer >= 1 and <= 51; received 52"),
        ("ucf51", {"videos": 1}, "`videos` must be an integer >= 2; received 1"),
        ("activitynet", {"classes": 1}, "`classes` must be an integer >= 2 and <= 12; received 1"),
        ("iemocap", {"utterances": 0}, "`utterances` must be an integer >= 1; received 0"),
        ("mmin", {"frames": 1.5}, "`frames` must be an integer >= 4; received 1.5"),
        ("mmin", {"seed": -1}, "`seed` must be an integer >= 0; received -1"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, name, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(miniatures, name).write(tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


def test_classes_look_and_sound_different():
    clips = np.stack([content.pattern(label, 7, 0.5, 10, (24, 32)) for label in range(12)])
    assert clips.shape == (12, 5, 24, 32, 3) and clips.dtype == np.uint8
    flat = clips.reshape(12, -1).astype(float) - 128
    cosines = (flat @ flat.T) / np.linalg.norm(flat, axis=1) / np.linalg.norm(flat, axis=1)[:, None]
    assert np.abs(cosines - np.eye(12)).max() < 0.7
    for label in (0, 5, 50):
        heard = record_examples.loudest(content.tone(label, 3, 0.5, 16000), 16000)
        assert heard == pytest.approx(content.pitch(label), abs=3)


def test_files_are_real(tmp_path):
    root = miniatures.ucf51.write(tmp_path, classes=1)
    clips = sorted((root / "UCF-101" / "HandstandPushups").glob("*_g10_*.avi"))
    info = media.probe(clips[0])
    assert (info.frames, info.height, info.width, info.sample_rate) == (25, 72, 96, 44100)
