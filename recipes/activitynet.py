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

from keras_amid.data.datasets import ActivityNet
from keras_amid.data.datasets.miniatures import activitynet as miniature
from keras_amid.experiments import main
from keras_amid.experiments.video import VideoTask

CONFIG = dict(
    task=VideoTask,
    name="activitynet",
    title="ActivityNet",
    rows=("student alone", "AMID"),
    seed=0,
    seeds=1,
    # Data.
    dataset=ActivityNet(sample_rate=32000, short_side=128, fps=8.0),  # Hz, pixels, frames a second
    test_split="validation",
    sound_seconds=10.0,
    random_sound=False,
    frames=16,
    stride=16,
    size=112,  # pixels
    # Networks. Of R(2+1)D, 10 is what CCL's code calls 18.
    depth=18,
    width=1.0,
    video_negative_slope=0.01,
    sound_width=1.0,
    negative_slope=0.2,
    representation_dim=512,
    # AMID: Eq. 8, 9, 17 and 14.
    temperature=0.5,
    mi_student_weight=4.0,
    mi_auxiliary_weight=1.6,
    adversarial_weight=1.0,
    warmup_epochs=20,
    smoothing=0.9,
    # Training: SGD, the rate divided by 10 at the milestones.
    batch=16,
    epochs=300,
    milestones=(150, 225),
    rate=1e-3,
    decay=5e-4,
    momentum=0.9,
    discriminator_rate=3e-4,
    # Where tables.py searches, and what it makes.
    rates=(3e-4, 1e-2),
    decays=(1e-4, 2e-3),
    tuning_seed=1000,
    tables=(1, 2),
    columns=("student top-1", "student R@1", "student R@5", "teacher top-1"),
    # The paper's figures.
    paper={
        "student alone": {"student top-1": 48.8, "student R@1": 41.5, "student R@5": 63.9},
        "CRD": {"student top-1": 50.4, "student R@1": 43.6, "student R@5": 65.5},
        "GMC": {"student top-1": 53.1, "student R@1": 46.1, "student R@5": 67.7},
        "CRCD": {"student top-1": 52.4, "student R@1": 45.7, "student R@5": 67.0},
        "CCL": {"student top-1": 51.9, "student R@1": 46.2, "student R@5": 64.8},
        "AMID": {"student top-1": 53.6, "student R@1": 46.4, "student R@5": 67.2},
    },
)
SMOKE = {
    **CONFIG,
    "xla": False,
    "miniature": miniature.write,
    "sound_seconds": 1.0,
    "frames": 8,
    "stride": 8,
    "size": 32,
    "depth": 10,
    "width": 1 / 16,
    "sound_width": 1 / 32,
    "representation_dim": 32,
    "batch": 4,
    "epochs": 8,
    "warmup_epochs": 2,
    "milestones": (6,),
    "rate": 2e-2,
}

if __name__ == "__main__":
    main(CONFIG, SMOKE, __doc__)
