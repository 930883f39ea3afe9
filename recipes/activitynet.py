"""ActivityNet: video recognition and retrieval with the sound as auxiliary modality.

Paper rows: Table 1 and 2, right half.

    python recipes/activitynet.py --root ActivityNet --sound-checkpoint Cnn14_mAP=0.431.pth
    python recipes/activitynet.py --smoke

--root holds `activity_net.v1-3.min.json` and the videos that could still be had (missing ones are
counted and named); the checkpoint is PANNs' of AudioSet. Expected, by the paper: student alone 48.8
top-1, AMID 53.6 (R@1 41.5, 46.4). Nobody has run this recipe on the data set yet: the figures it
prints stand beside the paper's.

Protocol: as recipes/ucf51.py; trained on "training", tested on "validation", whose labels are
public. A video is its annotated segments at 8 frames a second. A run that was cut off goes on where
it was when called again.

Hardware and hours, estimated: one GPU with 16 GB. A row is 300 epochs of 626 steps of R(2+1)D-18,
by its 41 GMAC a clip about 4 TFLOP a step: 7 to 8 hours at 30 TFLOP/s. The records take some 150 GB
and a day or two of CPU to prepare, once (`--shard i/n` of `python -m keras_amid.data.prepare`
divides the work).

--smoke imitates the data set (real .mp4 and .mkv files, broken ones too) and runs every line on it,
with small networks and without a checkpoint.
"""

import video_recognition
from video_experiment import Benchmark

from keras_amid.data import activitynet
from keras_amid.data.datasets.miniatures import activitynet as miniature

PAPER = {
    "student alone": {"student top-1": 48.8, "student R@1": 41.5, "student R@5": 63.9},
    "CRD": {"student top-1": 50.4, "student R@1": 43.6, "student R@5": 65.5},
    "GMC": {"student top-1": 53.1, "student R@1": 46.1, "student R@5": 67.7},
    "CRCD": {"student top-1": 52.4, "student R@1": 45.7, "student R@5": 67.0},
    "CCL": {"student top-1": 51.9, "student R@1": 46.2, "student R@5": 64.8},
    "AMID": {"student top-1": 53.6, "student R@1": 46.4, "student R@5": 67.2},
}
BENCHMARK = Benchmark("activitynet", activitynet, miniature, "validation", PAPER)

if __name__ == "__main__":
    video_recognition.main(BENCHMARK, __doc__)
