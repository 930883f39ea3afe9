import keras
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from keras_amid.data import World
from keras_amid.data.datasets.ripple_tank import world as rw


@pytest.fixture(scope="module")
def events():
    return World(3).draw("sounds", 2000)


def test_shapes_and_ranges(events):
    assert events.latents.shape == (2000, 6)
    assert events.pictures.shape == (2000, 4, 8, 8) and events.frames.shape == (2000, 8, 8, 8)
    assert events.amplitudes.shape == (2000, 32)
    assert set(events.labels) == set(range(40)) and set(events.fine_labels) <= set(range(100))
    assert len(set(rw.class_names())) == 40 and len(set(rw.fine_class_names())) == 100


def test_a_seed_is_a_world_and_a_smaller_split_a_prefix():
    few, many = World(1).draw("train", 5), World(1).draw("train", 50)
    for name in ("latents", "labels", "frames", "amplitudes", "phases"):
        np.testing.assert_allclose(getattr(few, name), getattr(many, name)[:5], atol=1e-12)
    assert not np.allclose(World(2).draw("train", 5).amplitudes, few.amplitudes)
    assert not np.allclose(World(1).draw("test", 5).latents, few.latents)


def test_classes_lead_by_the_margin(events):
    scores = np.sort(events.latents @ World(3)._prototypes.T, axis=1)
    assert np.all(scores[:, -1] - scores[:, -2] > rw.MARGIN)
    np.testing.assert_allclose(np.linalg.norm(World(3)._prototypes, axis=1), 1)


def test_picture_is_signal_background_and_noise(events):
    """Both kinds of waves fill a linear space of 64 + 40 dimensions; what lies outside is noise."""
    world = World(3)
    basis = np.concatenate([world._signal_waves(4), world._noise_waves(4)])
    values = events.pictures.reshape(2000, 256)
    residual = values - values @ np.linalg.pinv(basis) @ basis
    free = 256 - np.linalg.matrix_rank(basis)
    noise = np.sqrt((residual**2).sum() / (2000 * free))
    assert noise == pytest.approx(0.4, rel=0.02)
    signal = np.tanh(events.latents @ world._to_waves) @ world._signal_waves(4) / 8
    rest = values - signal
    # 6 tanh(N): the background's variance a value, by the second moment of tanh(N), 0.394
    assert rest.var() == pytest.approx(36 * 0.394 + 0.16, rel=0.1)
    assert signal.std() < 0.4 * rest.std()  # larger ripples hide what is to be seen


def test_gratings_follow_their_formula():
    waves = rw._gratings(np.random.default_rng(0), 3)
    rng = np.random.default_rng(0)
    fx, fy = rng.uniform(-3, 3, (2, 3))
    drift = rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], 3)
    phase = rng.uniform(0, 2 * np.pi, 3)
    t, v, u = 3, 5, 2
    expected = np.sqrt(2) * np.cos(2 * np.pi * (fx * u / 8 + fy * v / 8 + drift * t / 4) + phase)
    np.testing.assert_allclose(waves(4).reshape(3, 4, 8, 8)[:, t, v, u], expected)


def test_frames_drift_within_a_cell(events):
    pairs = events.frames.reshape(-1, 4, 2, 8, 8)
    assert np.abs(pairs[:, :, 0] - pairs[:, :, 1]).mean() > 0.5
    np.testing.assert_allclose(pairs.mean(axis=2), events.pictures)


def test_rendered_video_gives_its_values_back(events):
    videos = np.stack([rw.render_video(frames) for frames in events.frames[:200]])
    assert videos.shape == (200, 8, 64, 64, 1) and videos.dtype == np.uint8
    error = rw.picture_values(videos) - events.pictures[:200]
    assert np.sqrt(np.mean(error**2)) < 0.1  # against 0.4 of noise
    flat = rw.render_video(np.full((8, 8, 8), 2.0))
    assert np.unique(flat).tolist() == [146]
    assert np.unique(rw.render_video(np.full((8, 8, 8), 99.0))).tolist() == [255]


def test_tones_have_their_frequencies_and_amplitudes():
    levels = np.full(32, -9.0)  # all but one tone 63 dB lower
    levels[10] = 1.0
    sound = rw.render_sound(levels, np.zeros(32))
    assert sound.shape == (8000,) and sound.dtype == np.float32
    hertz = 200 * 30 ** (10 / 31)
    assert abs(np.argmax(np.abs(np.fft.rfft(sound))) * 2 - hertz) <= 2
    assert np.abs(sound).max() == pytest.approx(rw.GAIN * 10**0.35, rel=0.05)


def test_sound_is_not_clipped_and_tells_its_amplitudes(events):
    sounds = np.stack(
        [rw.render_sound(a, p) for a, p in zip(events.amplitudes, events.phases, strict=True)]
    )
    assert 0.1 < np.abs(sounds).max() < 0.8
    assert log_mel_r2(sounds, events.amplitudes, train=1500) > 0.95


def log_mel_r2(sounds, amplitudes, train):
    """R2 on held-out sounds of the amplitudes, linear in the log-mel energies; the worst tone's."""
    mel = keras.layers.MelSpectrogram(
        fft_length=4096,
        sequence_stride=1024,
        sampling_rate=16000,
        num_mel_bins=128,
        min_freq=100,
        max_freq=8000,
        power_to_db=False,
    )
    energies = [
        keras.ops.convert_to_numpy(keras.ops.mean(mel(some), axis=-1))
        for some in np.split(sounds, 10)
    ]
    features = np.log(np.concatenate(energies) + 1e-8)
    fit = LinearRegression().fit(features[:train], amplitudes[:train])
    held_out = amplitudes[train:]
    error = np.mean((fit.predict(features[train:]) - held_out) ** 2, axis=0)
    return np.min(1 - error / held_out.var(axis=0))


@pytest.mark.parametrize("seed", [-1, 0.5, None, True])
def test_seed_must_be_a_natural_number(seed):
    with pytest.raises(ValueError, match="`seed`"):
        World(seed)


def test_unknown_split_is_named():
    with pytest.raises(ValueError, match="`split`.*'exam'"):
        World(0).draw("exam", 3)
