"""Small recordings of one's own, and the tables that tests write about them."""

import csv

import films
import numpy as np

from keras_amid.data import write_clip, write_sound

FRAMES, FPS, SIZE, RATE = 6, 10, (32, 48), 8000
SECONDS = FRAMES / FPS


def picture(number):
    """uint8 (frames, height, width, 3): gray levels that rise with the number and with time."""
    levels = 10 * number + 4 * np.arange(FRAMES)
    return np.broadcast_to(levels[:, None, None, None], (FRAMES, *SIZE, 3)).astype("uint8")


def sound(number):
    """float32 (samples,): a tone whose pitch rises with the number."""
    times = np.arange(round(SECONDS * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * (200 + 40 * number) * times)).astype("float32")


def write_video(path, number, silent=False):
    write_clip(path, picture(number), FPS, None if silent else sound(number), RATE)


def write_film(path, number):
    """A video with sound as cameras write it: H.264 and AAC in an .mp4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = np.repeat(sound(number), 2)
    films.write_film(path, picture(number), tone, fps=FPS, rate=2 * RATE)


def write_recordings(folder, count):
    """Writes clip<i>.mkv (with sound), tone<i>.wav and pose<i>.npy for i < count."""
    for number in range(count):
        write_video(folder / f"clip{number}.mkv", number)
        write_sound(folder / f"tone{number}.wav", sound(number), RATE)
        np.save(folder / f"pose{number}.npy", pose(number))
    return folder


def pose(number):
    return np.arange(6.0).reshape(2, 3) + number


def write_csv(path, rows, **form):
    """Writes dicts; cells that a row lacks are empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", newline="", encoding=form.pop("encoding", "utf-8")) as file:
        writer = csv.DictWriter(file, columns, restval="", **form)
        writer.writeheader()
        writer.writerows(rows)
    return path
