import io

import numpy as np
import pytest
import record_examples
import tensorflow as tf
from PIL import Image

from keras_amid.data import (
    EpochShuffle,
    RandomClip,
    Windows,
    batches,
    read_index,
    read_samples,
    write_records,
)
from keras_amid.data.pipeline.decoder import Field

pytestmark = pytest.mark.any_backend

HEIGHT, WIDTH = 40, 60
LENGTHS = (9, 30, 3, 12)


def coordinates(frames, height=HEIGHT, width=WIDTH):
    """A video whose pixels tell where they are: 3 x row, 3 x column, 5 x frame."""
    video = np.zeros((frames, height, width, 3), np.uint8)
    video[..., 0] = 3 * np.arange(height)[:, None]
    video[..., 1] = 3 * np.arange(width)
    video[..., 2] = 5 * np.arange(frames)[:, None, None]
    return video


def make(folder, videos, encoding="png"):
    samples = [{"id": f"v{i}", "label": i} for i in range(len(videos))]
    write_records(
        samples,
        folder,
        lambda row: {"video": videos[int(row["id"][1:])]},
        video=encoding,
        shard_size=3,
        progress=False,
    )
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    videos = [coordinates(length) for length in LENGTHS]
    root = tmp_path_factory.mktemp("records")
    return {e: make(root / e, videos, e) for e in ("png", "raw", "jpeg")}


def resized(window, size):
    """Bilinear with half-pixel centres, in float64: (frames, height, width, channels)."""

    def places(count):
        at = (np.arange(size) + 0.5) * count / size - 0.5
        low = np.floor(at).astype(int)
        return np.maximum(low, 0), np.clip(low + 1, 0, count - 1), at - low

    low, high, part = places(window.shape[1])
    part = part[:, None, None]
    rows = window[:, low] * (1 - part) + window[:, high] * part
    low, high, part = places(window.shape[2])
    part = part[:, None]
    return rows[:, :, low] * (1 - part) + rows[:, :, high] * part


def clips_of(folder, clips, seed=0, **options):
    """The clips of an epoch by the sample's index."""
    shuffle = EpochShuffle(seed) if isinstance(clips, RandomClip) else None
    options = {"with_index": True, "shuffle": shuffle, **options}
    first = folder[0] if isinstance(folder, list) else folder
    count, found = len(read_samples(first)), {}
    for x, y in batches(folder, 3, {"video": clips}, **options).as_numpy_iterator():
        for clip, index, label in zip(x["video"], x["index"], y, strict=True):
            assert label == index % count
            found.setdefault(int(index), []).append(clip)
    return found


def window_of(clip):
    """Top, height, left, width, flipped, read from the coordinates in a clip (rounded)."""
    size = clip.shape[1]
    rows = clip[0, :, 0, 0].astype(float) / 3
    columns = clip[0, 0, :, 1].astype(float) / 3
    flipped = columns[0] > columns[-1]
    columns = columns[::-1] if flipped else columns

    def fit(values):
        inner = slice(size // 4, size - size // 4)  # away from the edges, which are clamped
        at = np.arange(size)[inner] + 0.5
        slope, start = np.polyfit(at, values[inner] + 0.5, 1)
        return round(start), round(slope * size)

    return (*fit(rows), *fit(columns), flipped)


@pytest.mark.parametrize("encoding", ["png", "raw"])
def test_clip_equals_its_window_of_consecutive_frames(folders, encoding):
    clips = RandomClip(frames=4, size=32, area=(0.25, 1.0))
    seen = set()
    dataset = clips_of([folders[encoding]] * 6, clips)
    for index, (clip,) in dataset.items():
        assert clip.dtype == np.uint8 and clip.shape == (4, 32, 32, 3)
        video = coordinates(LENGTHS[index % 4])
        start = round(clip[0, 0, 0, 2] / 5)
        frames = video[np.minimum(start + np.arange(4), len(video) - 1)]
        top, height, left, width, flipped = window_of(clip)
        expected = resized(frames[:, top : top + height, left : left + width].astype(float), 32)
        expected = expected[:, :, ::-1] if flipped else expected
        np.testing.assert_allclose(clip, expected, atol=0.51)
        seen.add((top, height, left, width, flipped, start))
    assert len(seen) > 20


def test_jpeg_clip_is_the_same_part_of_the_video(folders):
    clips = RandomClip(frames=4, size=32)
    exact, nearly = (clips_of(folders[e], clips) for e in ("png", "jpeg"))
    for index, (clip,) in nearly.items():
        error = np.abs(clip.astype(int) - exact[index][0])
        assert 0 < error.max() < 16 and error.mean() < 2


def test_only_the_needed_frames_are_decoded(tmp_path):
    """Broken pictures after the fourth frame do no harm to who does not look at them."""
    import tensorflow as tf

    make(tmp_path, [coordinates(6)], "jpeg")
    static_shape = (6, HEIGHT, WIDTH, 3)
    shape = tf.constant(static_shape, tf.int64)
    pictures = list(record_examples.examples(tmp_path)["v0"]["video"].bytes_list.value)
    broken = pictures[:4] + [b"broken"] * 2

    def window(pictures, start):
        def cut(first, last):
            return tf.constant(pictures[int(first) : int(last) + 1])

        start = tf.constant(start, tf.int64)
        field = Field("jpeg", static_shape, tf.constant(b""), shape, cut, start=start)
        return Windows(4, 4, 16).decode(field)

    np.testing.assert_array_equal(window(broken, 0), window(pictures, 0))
    with pytest.raises(tf.errors.InvalidArgumentError):
        window(broken, 2)


def test_only_the_needed_part_of_the_file_is_read(tmp_path):
    """Of 40 frames, in examples of 16, 16 and 8, the second example is broken."""
    make(tmp_path, [coordinates(40)], "jpeg")
    windows = Windows(8, 8, 16)
    whole = clips_of(tmp_path, windows)[0]
    (sizes,) = [s["sizes"] for s in read_index(tmp_path)["shards"][0]["samples"]]
    assert len(sizes) == 4
    shard = tmp_path / "shard-00000.tfrecord"
    content = bytearray(shard.read_bytes())
    content[sizes[0] + sizes[1] + 50] ^= 255
    dataset = batches(tmp_path, 1, {"video": windows})  # which checks digests
    shard.write_bytes(content)
    data = dataset.as_numpy_iterator()
    np.testing.assert_array_equal([next(data)[0]["video"][0] for _ in range(2)], whole[:2])
    with pytest.raises(ValueError, match="shard-00000.tfrecord does not have the sha256"):
        next(data)


def test_areas_ratios_flips_and_starts_are_distributed_as_asked(tmp_path):
    folder = make(tmp_path, [coordinates(7, 48, 48)] * 10, "raw")
    clips = RandomClip(frames=2, size=48, area=(0.25, 1.0), aspect_ratio=(1.0, 1.0))
    found = [clip for (clip,) in clips_of([folder] * 40, clips).values()]
    assert len(found) == 400
    windows = np.array([window_of(clip) for clip in found])
    top, height, left, width, flipped = windows.T
    area = height * width / 48**2
    assert area.min() >= 0.24 and area.max() <= 1 and np.all(height == width)
    assert area.mean() == pytest.approx(0.625, abs=4 * 0.2165 / 20)
    assert area.std() == pytest.approx(0.2165, rel=0.1)
    assert flipped.mean() == pytest.approx(0.5, abs=0.1)
    room = height < 44
    assert (top[room] / (48 - height[room])).mean() == pytest.approx(0.5, abs=0.07)
    assert (left[room] / (48 - width[room])).mean() == pytest.approx(0.5, abs=0.07)
    starts = np.array([round(clip[0, 0, 0, 2] / 5) for clip in found])
    assert np.bincount(starts).tolist() == pytest.approx([400 / 6] * 6, abs=32)


def test_aspect_ratios_are_in_range_and_fit(folders):
    clips = RandomClip(frames=1, size=32, area=(0.3, 0.8), aspect_ratio=(0.5, 2.0), flip=False)
    found = [clip for (clip,) in clips_of([folders["raw"]] * 30, clips).values()]
    windows = np.array([window_of(clip) for clip in found])
    _, height, _, width, flipped = windows.T
    ratio, area = width / height, height * width / (HEIGHT * WIDTH)
    assert not flipped.any()
    assert 0.45 < ratio.min() < 0.75 and 1.5 < ratio.max() < 2.2
    assert area.min() > 0.27 and area.max() < 0.83


def test_window_that_never_fits_gives_way_to_the_largest_centred_one(folders):
    clips = RandomClip(frames=1, size=HEIGHT, area=(1.0, 1.0), aspect_ratio=(1.0, 1.0), flip=False)
    (clip,) = clips_of(folders["raw"], clips)[1]
    assert window_of(clip)[:4] == (0, HEIGHT, (WIDTH - HEIGHT) // 2, HEIGHT)


def test_clips_are_a_function_of_seed_epoch_and_sample(folders):
    clips = RandomClip(frames=2, size=16)

    def epochs(seed, folder=folders["png"], **options):
        data = batches(
            folder, 2, {"video": clips}, shuffle=EpochShuffle(seed), with_index=True, **options
        )  # fmt: skip
        made = []
        for _ in range(2):
            found = {}
            for x, _ in data.as_numpy_iterator():
                found.update(zip(x["index"].tolist(), x["video"], strict=True))
            made.append(np.stack([found[i] for i in range(len(found))]))
        return made

    first, second = epochs(1)
    np.testing.assert_array_equal(epochs(1, cache=True), [first, second])
    assert np.all(np.any(first != second, axis=(1, 2, 3, 4)))
    assert np.any(epochs(2)[0] != first)


def test_windows_see_every_frame_in_order(folders):
    data = batches(folders["png"], 2, {"video": Windows(4, 4, 16)}, with_index=True)
    found = clips_of(folders["png"], Windows(4, 4, 16))
    assert [len(found[i]) for i in range(4)] == [3, 8, 1, 3]
    assert int(data.cardinality()) == 8  # 15 windows
    starts = {i: [round(c[0, 0, 0, 2] / 5) for c in clips] for i, clips in found.items()}
    assert starts == {0: [0, 4, 5], 1: [0, 4, 8, 12, 16, 20, 24, 26], 2: [0], 3: [0, 4, 8]}
    for index, clips in found.items():
        seen = {round(value / 5) for clip in clips for value in clip[:, 0, 0, 2]}
        assert seen == set(range(LENGTHS[index]))


@pytest.mark.parametrize("most", [1, 2, 3, 9])
def test_at_most_so_many_windows_spread_evenly(most):
    windows = Windows(4, 4, 16, most)
    for length in (1, 4, 5, 8, 9, 30):
        whole = Windows(4, 4, 16).starts(tf.constant([length, 8, 8, 3], tf.int64)).numpy()
        found = windows.starts(tf.constant([length, 8, 8, 3], tf.int64)).numpy()
        count = min(most, len(whole))
        assert windows.count(length) == len(found) == count
        centres = [int((length - 4) * (k + 0.5) / count) for k in range(count)]
        assert found.tolist() == (whole.tolist() if count == len(whole) else centres)


def test_the_middle_alone(folders):
    """One window at most is no windows: it goes beside random decoders and `shuffle`."""
    decoder = Windows(4, 4, 16, most=1)
    data = batches(folders["png"], 8, {"video": decoder}, shuffle=EpochShuffle(0), with_index=True)
    ((x, _),) = data.as_numpy_iterator()
    for index, clip in zip(x["index"], x["video"], strict=True):
        middle = max(LENGTHS[index] - 4, 0) // 2
        assert clip[0, ..., 2].max() == 5 * middle


def test_windows_of_several_videos_are_shown_together(tmp_path):
    lengths = {"left": (9, 3), "right": (4, 8)}

    def read(row):
        number = int(row["id"])
        return {
            name: np.broadcast_to(
                10 * np.arange(counts[number])[:, None, None, None], (counts[number], 8, 8, 3)
            ).astype("uint8")
            for name, counts in lengths.items()
        }

    samples = [{"id": str(n), "label": n} for n in range(2)]
    forms = {"left": "png", "right": "png"}
    write_records(samples, tmp_path, read, encodings=forms, progress=False, workers=1)
    decoders = {"left": Windows(4, 4, 8), "right": Windows(2, 4, 4)}
    dataset = batches(tmp_path, 8, decoders, with_index=True)
    assert int(dataset.cardinality()) == 1
    ((x, y),) = dataset.as_numpy_iterator()
    first = {name: (x[name][:, 0, 0, 0, 0] / 10).tolist() for name in lengths}
    # 3 windows of 9 frames, 1 of 4 (of two frames: 2); 1 of 3, 3 of 8 (of two frames).
    assert x["index"].tolist() == y.tolist() == [0, 0, 0, 1, 1, 1]
    assert first == {"left": [0, 4, 5, 0, 0, 0], "right": [0, 2, 2, 0, 4, 6]}
    with pytest.raises(ValueError, match="or several of one stride"):
        batches(tmp_path, 8, {**decoders, "right": Windows(2, 2, 4)})


def test_short_video_is_continued_with_its_last_frame(folders):
    (window,) = clips_of(folders["png"], Windows(5, 5, 16))[2]
    assert [round(v / 5) for v in window[:, 0, 0, 2]] == [0, 1, 2, 2, 2]
    for encoding in ("png", "raw"):
        (clip,) = clips_of(folders[encoding], RandomClip(5, 16))[2]
        assert [round(v / 5) for v in clip[:, 0, 0, 2]] == [0, 1, 2, 2, 2]


@pytest.mark.parametrize("encoding", ["png", "raw"])
def test_window_is_the_centred_square(folders, encoding):
    window = clips_of(folders[encoding], Windows(4, 3, 24))[3][1]
    frames = coordinates(12)[3:7, :, 10:50].astype(float)
    np.testing.assert_allclose(window, resized(frames, 24), atol=0.51)


def test_jpeg_window_equals_pillows_pictures(tmp_path):
    """Decoded by another library, cut and resized in NumPy."""
    rng = np.random.default_rng(0)
    smooth = resized(rng.uniform(0, 255, (5, 6, 8, 3)), 64)[:, :48].astype(np.uint8)
    folder = make(tmp_path, [smooth], "jpeg")
    pictures = record_examples.examples(folder)["v0"]["video"].bytes_list.value
    pictures = [Image.open(io.BytesIO(picture)) for picture in pictures]
    frames = np.stack([np.asarray(picture) for picture in pictures]).astype(float)
    expected = resized(frames[1:5, :, 8:56], 32)
    window = clips_of(folder, Windows(4, 1, 32))[0][1]
    error = np.abs(window - expected)
    brightness = np.abs((window - expected) @ [0.299, 0.587, 0.114])
    assert brightness.max() < 1.6
    assert error.mean() < 4  # colours, which Pillow interpolates between pixels


def test_windows_of_a_share_of_the_hosts(folders):
    shares = [clips_of(folders["png"], Windows(4, 4, 16), host=(i, 3)) for i in range(3)]
    assert [sorted(share) for share in shares] == [[0, 3], [1], [2]]
    assert read_samples(folders["png"])[3]["lengths"]["video"] == 12


@pytest.mark.parametrize(
    ("make_clips", "message"),
    [
        (lambda: RandomClip(frames=0), "`frames`.*0"),
        (lambda: RandomClip(size=1.5), "`size`.*1.5"),
        (lambda: RandomClip(area=(0.5, 1.2)), r"`area`.*\(0.5, 1.2\)"),
        (lambda: RandomClip(aspect_ratio=(2, 1)), r"`aspect_ratio`.*\(2, 1\)"),
        (lambda: Windows(stride=0), "`stride`.*0"),
        (lambda: Windows(most=0), "`most`.*0"),
    ],
)
def test_wrong_arguments_are_named(make_clips, message):
    with pytest.raises(ValueError, match=message):
        make_clips()
