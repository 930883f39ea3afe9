"""Training clips a second from records, against yardsticks on the same processor cores.

    KERAS_BACKEND=jax python tests/benchmarks/bench_clips.py    (or all three: `make bench`)

`records`: `batches(..., {"video": RandomClip(16, 112)})`, batches of 16 clips from JPEG records of
short side 128, shuffled, read from the disk (its cache, after the first round).
`decoding`: the decoding of the same JPEGs (about 10 kB each), already in memory, and nothing else,
16 in a call; the records should reach at least 0.8 of its clips a second.
`videos`: the same clips from the .avi files (MPEG-4, 320 x 240) in each epoch, with PyAV: decoding
up to the clip's last frame, scaling the clip's frames and cropping them, in as many threads as
there are cores. `whole videos`: likewise, but the whole file is decoded into an array first, as
loaders do that then choose. The records should be at least 5 times as fast.
`raw records`: the same frames, not compressed: seven times as large on the disk, nothing to decode.

Then what a training step needs: R(2+1)D-18 does so many operations a clip, so a GPU that does them
at some rate takes so many clips a second, and so many cores feed it.

They take turns within one run; what is printed is the median over the rounds of the ratios within
a round, of the clips a second and of the clips a second of processor time, which other work on the
machine disturbs less. Nothing passes or fails here.
"""

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from flops import training_operations

import keras_amid as ka
from keras_amid.data import EpochShuffle, RandomClip, batches, read_clip, write_clip, write_records
from keras_amid.data._tensorflow import tensorflow
from keras_amid.data.storage.parallel import ordered_map

BATCH, FRAMES, SIZE, SHORT_SIDE = 16, 16, 112, 128
VIDEOS, LENGTHS, REPEATS = 16, (100, 180), 24
RATES = 30, 100, 200, 400  # TFLOP/s that a GPU does of it


def moving_texture(rng, length, height=240, width=320):
    """A moving picture with a natural one's spectrum (amplitude 1 / frequency), mostly gray."""
    fy, fx = np.fft.fftfreq(2 * height)[:, None, None], np.fft.fftfreq(2 * width)[:, None]
    frequency = np.hypot(fy, fx)
    spectrum = np.fft.fft2(rng.normal(size=(2 * height, 2 * width, 3)), axes=(0, 1))
    spectrum[..., 1:] = spectrum[..., :1] + 0.2 * spectrum[..., 1:]
    picture = np.fft.ifft2(spectrum / (frequency + 0.003) ** 1.6, axes=(0, 1)).real
    picture = 128 + 45 * picture / picture.std()
    picture = np.clip(picture, 0, 255).astype("uint8")
    ys = (height / 2 * (1 + np.sin(np.arange(length) / 23))).astype(int)
    xs = (width / 2 * (1 + np.sin(np.arange(length) / 31))).astype(int)
    return np.stack([picture[y : y + height, x : x + width] for y, x in zip(ys, xs, strict=True)])


def write_data(folder):
    """The .avi files and the records made from them."""
    import av

    rng = np.random.default_rng(0)
    rows = []
    for number in range(VIDEOS):
        file = folder / "videos" / f"{number}.avi"
        video = moving_texture(rng, int(rng.integers(*LENGTHS)))
        write_clip(file, video, 25, video_codec="mpeg4", options={"b": "700k", "g": "12"})
        rows.append({"id": str(number), "label": number, "file": str(file)})

    def read(row):
        with av.open(row["file"]) as container:
            frames = [scaled(frame) for frame in container.decode(video=0)]
        return {"video": np.stack(frames)}

    for name, encoding in (("records", "jpeg"), ("raw records", "raw")):
        write_records(rows, folder / name, read, video=encoding, progress=False)
    return [row["file"] for row in rows]


def scaled(frame):
    """A decoded frame at the short side of the records, as an array."""
    width = round(frame.width * SHORT_SIDE / frame.height)
    return frame.to_ndarray(width=width, height=SHORT_SIDE, format="rgb24")


def from_records(records):
    """Yields the clips of an epoch: the same records REPEATS times, for an epoch of some length."""
    return batches(
        [records] * REPEATS,
        BATCH,
        {"video": RandomClip(FRAMES, SIZE)},
        shuffle=EpochShuffle(0),
    )


def decoding_alone(folder):
    """As many JPEGs of the same records, from memory, decoded and dropped."""
    tf = tensorflow()
    spec = {"video": tf.io.VarLenFeature(tf.string)}
    clips = []  # the records keep 16 frames an example
    for serialized in tf.data.TFRecordDataset([str(p) for p in folder.glob("records/*.tfrecord")]):
        frames = tf.io.parse_single_example(serialized, spec)["video"].values.numpy()
        if len(frames) == FRAMES:
            clips.append(frames)

    def decode(pictures):
        return tf.stack([tf.io.decode_jpeg(p, channels=3) for p in tf.unstack(pictures, FRAMES)])

    clips = np.array(clips[: len(clips) // VIDEOS * VIDEOS])
    dataset = tf.data.Dataset.from_tensor_slices(clips).repeat(-(-VIDEOS * REPEATS // len(clips)))
    dataset = dataset.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def from_videos(files, repeats, whole):
    """Yields clips decoded from the files, in threads."""
    import av

    def load(job):
        file, seed = job
        rng = np.random.default_rng(seed)
        with av.open(file) as container:
            start = rng.integers(container.streams.video[0].frames - FRAMES)
            if whole:
                frames = read_clip(file).frames[start : start + FRAMES]
                frames = [scaled(av.VideoFrame.from_ndarray(f, format="rgb24")) for f in frames]
            else:
                decoded = container.decode(video=0)
                chosen = itertools.islice(decoded, start, start + FRAMES)
                frames = [scaled(frame) for frame in chosen]
        return resized_crop(np.stack(frames), rng)

    jobs = [(file, [i, j]) for i in range(repeats) for j, file in enumerate(files)]
    clips = list(ordered_map(load, jobs))
    for first in range(0, len(clips), BATCH):
        yield np.stack(clips[first : first + BATCH])


def resized_crop(frames, rng):
    """The random window of a clip, mirrored or not, resized by FFmpeg."""
    import av

    height, width = frames.shape[1:3]
    area, ratio = rng.uniform(0.25, 1) * height * width, np.exp(rng.uniform(-0.28, 0.28))
    h, w = min(height, round((area / ratio) ** 0.5)), min(width, round((area * ratio) ** 0.5))
    top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
    window = frames[:, top : top + h, left : left + w, :: rng.choice([-1, 1])]
    made = [av.VideoFrame.from_ndarray(np.ascontiguousarray(f), format="rgb24") for f in window]
    return np.stack([f.to_ndarray(width=SIZE, height=SIZE, format="rgb24") for f in made])


def clips_a_second(data):
    """Reads `data` to its end: clips a second, clips a second of processor time."""
    start, processor, count = time.perf_counter(), time.process_time(), 0
    for batch in data:
        count += len(batch[1] if isinstance(batch, tuple) else batch)
    return count / (time.perf_counter() - start), count / (time.process_time() - processor)


def measure(folder, rounds):
    """Clips a second and a second of processor time, dict name -> array (rounds, 2)."""
    files = write_data(folder)
    records, raw = (from_records(folder / name) for name in ("records", "raw records"))
    decoding = decoding_alone(folder)
    sources = {
        "records": lambda: records,
        "raw records": lambda: raw,
        "decoding": lambda: decoding,
        "videos": lambda: from_videos(files, 2, whole=False),
        "whole videos": lambda: from_videos(files, 1, whole=True),
    }
    speeds = {name: [] for name in sources}
    for i in range(rounds + 1):
        for name, source in sources.items():
            speed = clips_a_second(source())
            if i:  # the first round traces
                speeds[name].append(speed)
    return {name: np.array(values) for name, values in speeds.items()}


def main():
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds after the warm-up")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        speeds = measure(Path(folder), options.rounds)
    print(f"backend {keras.backend.backend()}, median of {options.rounds} rounds")
    for column, unit in enumerate(("a second", "a second of processor time")):
        records = speeds["records"][:, column]
        print(f"clips {unit}: records {np.median(records):.0f}", end="")
        for name in ("raw records", "decoding", "videos", "whole videos"):
            other = speeds[name][:, column]
            ratio = np.median(records / other)
            print(f"; {name} {np.median(other):.0f}, ratio {ratio:.2f}", end="")
        print(flush=True)
    print_need(np.median(speeds["records"][:, 1]), np.median(speeds["raw records"][:, 1]))


def print_need(of_records, of_raw_records):
    """Prints what training takes beside what a core feeds of either kind, clips a second."""
    network = ka.extractors.R2Plus1D(18, input_shape=(FRAMES, SIZE, SIZE, 3))
    clip = training_operations(network)
    print(f"R(2+1)D-18 takes {clip / 1e9:.0f} GFLOP a training clip; clips a second and cores:")
    for rate in RATES:
        clips = rate * 1e12 / clip
        jpeg, raw = clips / of_records, clips / of_raw_records
        print(f"  at {rate} TFLOP/s {clips:.0f}: {jpeg:.1f} cores, {raw:.1f} from raw records")


if __name__ == "__main__":
    main()
