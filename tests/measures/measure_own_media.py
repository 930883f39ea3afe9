"""300 clips of one's own, from a CSV to the report: what each of three commands takes.

    python tests/measures/measure_own_media.py [--clips 300] [--folder build/own] [--cores 2]

Writes clips of 5 s (H.264, 320 x 240, 25 frames a second, with AAC sound at 44.1 kHz) and a table
of them, then runs, each in a process of its own that has what a user has,

    keras-amid prepare clips.csv --out data/mine
    keras-amid train data/mine --target video --auxiliary audio --out runs/mine
    keras-amid predict NEW.mp4 ... --model runs/mine/saved_model --out predictions.csv

and prints the seconds of each, and the processors' seconds, which other work changes less. In a
clip a ball moves over a noisy scene, in one of six ways; a melody says which, more clearly. Bounds:
all three end well, what they promise is there, every new clip has its line, and together they take
under 10 minutes. Exit status 1 where one is broken.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

SECONDS, FPS, SIZE, RATE = 5, 25, (240, 320), 44_100
CLASSES = ("left", "right", "up", "down", "round", "still")
NEW = 12  # clips to predict
BOUND = 600.0


def pictures(label, rng):
    """uint8 (frames, height, width, 3): a ball that moves as the class says, in noise."""
    height, width = SIZE
    time_ = np.arange(SECONDS * FPS) / FPS
    y, x = rng.uniform(0, height, 2)
    speed = rng.uniform(30, 60)
    way = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}.get(CLASSES[label])
    if way is not None:
        ys, xs = y + way[0] * speed * time_, x + way[1] * speed * time_
    else:
        turn = 2 * np.pi * rng.uniform(0.3, 0.6) * time_ * (CLASSES[label] == "round")
        ys, xs = y + 40 * np.sin(turn), x + 40 * np.cos(turn)
    scene = rng.integers(60, 160, (24, 32, 3), "uint8").repeat(10, 0).repeat(10, 1)
    disc = np.hypot(*np.indices((44, 44)) - 21.5) < 22
    noise = rng.integers(0, 40, (9, height, width, 1), "uint8")
    frames = scene + noise[rng.integers(0, len(noise), len(time_))]
    color = rng.integers(170, 255, 3)
    for frame, top, left in zip(frames, ys.astype(int), xs.astype(int), strict=True):
        rows, columns = (top + np.arange(44)) % height, (left + np.arange(44)) % width
        frame[np.ix_(rows, columns)] = np.where(
            disc[..., None], color, frame[np.ix_(rows, columns)]
        )
    return frames


def sound(label, rng):
    """float32 (samples,): a melody of the class, off its pitch, in noise."""
    time_ = np.arange(SECONDS * RATE) / RATE
    notes = 220 * 2 ** ((np.random.default_rng(label).integers(0, 24, 4) + rng.normal(0, 0.3)) / 12)
    tone = np.sin(2 * np.pi * np.cumsum(notes[(time_ * 4).astype(int) % 4]) / RATE)
    return (0.2 * tone + 0.1 * rng.normal(size=len(time_))).astype("float32")


def write_clip(path, label, seed):
    from keras_amid.data import write_clip as write

    rng = np.random.default_rng(seed)
    frames, tone = pictures(label, rng), sound(label, rng)
    write(path, frames, FPS, tone, RATE, "libx264", "aac", {"preset": "veryfast", "crf": "23"})


def write_media(folder, count, cores):
    """clips/, new/ and clips.csv; groups of 5 clips are one person's."""
    for name in ("clips", "new"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows = [(f"clips/{n:04d}.mp4", n % len(CLASSES), n) for n in range(count)]
    new = [(f"new/{n:02d}.mp4", n % len(CLASSES), 10**6 + n) for n in range(NEW)]
    with ProcessPoolExecutor(cores) as pool:
        jobs = [pool.submit(write_clip, folder / p, label, seed) for p, label, seed in rows + new
                if not (folder / p).exists()]  # fmt: skip
        for job in jobs:
            job.result()
    with open(folder / "clips.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["video", "label", "group"])
        writer.writerows([path, CLASSES[label], f"person-{n // 5}"] for path, label, n in rows)
    return [path for path, _, _ in new]


def timed(folder, words):
    """Runs a command in the folder; returns its seconds, of which it tells the end."""
    print(f"$ keras-amid {' '.join(words[:6])}{' ...' * (len(words) > 6)}", flush=True)
    start, before = time.monotonic(), os.times()
    done = subprocess.run([sys.executable, "-m", "keras_amid", *words], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    took = time.monotonic() - start
    print("\n".join(f"  {line}" for line in done.stdout.splitlines()[-14:]))
    after = os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    print(f"  exit status {done.returncode}, {took:.1f} s, {used:.0f} of processors", flush=True)
    return took, done.returncode


def measure(folder, clips, cores):
    """Returns whether every bound holds."""
    start = time.monotonic()
    new = write_media(folder, clips, cores)
    print(f"wrote {clips} clips and {len(new)} new ones: {time.monotonic() - start:.0f} s")
    commands = [
        ["prepare", "clips.csv", "--out", "data/mine"],
        ["train", "data/mine", "--target", "video", "--auxiliary", "audio", "--out",
         "runs/mine"],
        ["predict", *new, "--model", "runs/mine/saved_model", "--out", "predictions.csv"],
    ]  # fmt: skip
    done = [timed(folder, words) for words in commands]
    total = sum(took for took, _ in done)
    faults = [f"{words[0]}: exit status {status}" for words, (_, status) in
              zip(commands, done, strict=True) if status]  # fmt: skip
    expected = ["runs/mine/report.html", "runs/mine/student.keras", "runs/mine/config.toml",
                "runs/mine/saved_model/1/saved_model.pb", "predictions.csv"]  # fmt: skip
    faults += [f"{name} is not there" for name in expected if not (folder / name).is_file()]
    if not faults:
        with open(folder / "predictions.csv", newline="") as file:
            said = list(csv.DictReader(file))
        right = sum(r["label"] == CLASSES[n % len(CLASSES)] for n, r in enumerate(said))
        print(f"predictions of new clips: {right} of {len(said)} right")
        faults += ["lines of the predictions"] * ([row["file"] for row in said] != new)
    faults += [f"{total:.0f} s are over {BOUND:.0f}"] * (total > BOUND)
    listed = ", ".join(f"{c[0]} {took:.0f} s" for c, (took, _) in zip(commands, done, strict=True))
    print(f"{listed}; together {total:.0f} s on {cores} cores. {'; '.join(faults) or 'In bounds.'}")
    return not faults


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=300)
    parser.add_argument("--cores", type=int, default=2, help="that it may use")
    parser.add_argument("--folder", type=Path, help="kept, for a look; clips in it stay")
    options = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if any((folder / name).exists() for name in ("data", "runs")):
            parser.error(f"--folder must have neither data nor runs yet; received {folder}")
        return measure(folder.absolute(), options.clips, options.cores)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
