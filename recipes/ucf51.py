"""UCF51: video recognition and retrieval with the sound as auxiliary modality.

Paper rows: Table 1 and 2, left half, and with --rows Table 4 and 5.

    python recipes/ucf51.py --root UCF101 --sound-checkpoint Cnn14_mAP=0.431.pth
    python recipes/ucf51.py --root UCF101 --sound-checkpoint Cnn14_mAP=0.431.pth \\
        --rows "student alone" CRD CRCD GMC CCL AMID --seeds 3
    python recipes/ucf51.py --smoke

--root holds `UCF-101/` and `ucfTrainTestlist/`; the checkpoint is PANNs' of AudioSet. Expected, by
the paper: student alone 66.7 top-1, AMID 73.8 (R@1 64.0, 73.6). Nobody has run this recipe on the
data set yet: the figures it prints stand beside the paper's.

Protocol (METHOD of the paper and, where it is silent, of CCL's code): official split 1, clips of 16
frames, random resized crop 112, flip; at test time all windows of 16 frames, softmax averaged; SGD
1e-3, momentum .9, weight decay 5e-4, batch 16, 300 epochs, rate divided by 10 after 150 and 225;
warm-up 20 epochs; the last epoch's weights. A run that was cut off goes on where it was when called
again.

Hardware and hours, estimated: one GPU with 16 GB. A row is 300 epochs of 305 steps of R(2+1)D-18,
by its 41 GMAC a clip about 4 TFLOP a step: 3 to 4 hours at 30 TFLOP/s, ten at 10. The records take
about 15 GB and some hours of CPU to prepare, once; the sound features some minutes of GPU.

--smoke imitates the data set (real .avi files, broken ones too) and runs every line on it, with
small networks and without a checkpoint.
"""

from keras_amid.data.datasets import UCF51
from keras_amid.data.datasets.miniatures import ucf51 as miniature
from keras_amid.experiments import main
from keras_amid.experiments.video import VideoTask

CONFIG = dict(
    task=VideoTask,
    name="ucf51",
    title="UCF51",
    rows=("student alone", "AMID"),
    seed=0,
    seeds=1,
    # Data: official split 1. The clips v_<Class>_gGG_cCC of one group gGG show one scene, so they
    # are held out together.
    dataset=UCF51(
        split=1, sample_rate=32000, short_side=128, fps=None
    ),  # Hz, pixels, frames a second
    test_split="test",
    take=lambda name: name[:-4],
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
    tables=(1, 2, 4, 5, 6),
    columns=("student top-1", "student R@1", "student R@5", "teacher top-1"),
    # The paper's figures.
    paper={
        "student alone": {"student top-1": 66.7, "student R@1": 64.0, "student R@5": 71.9},
        "CRD": {"student top-1": 67.1, "student R@1": 66.0, "student R@5": 72.3},
        "GMC": {"student top-1": 64.1, "student R@1": 61.8, "student R@5": 71.0},
        "CRCD": {"student top-1": 69.6, "student R@1": 68.2, "student R@5": 75.2},
        "CCL": {"student top-1": 68.9, "student R@1": 67.0, "student R@5": 71.7},
        "AMID": {
            "student top-1": 73.8,
            "student R@1": 73.6,
            "student R@5": 77.1,
            "teacher top-1": 75.7,
        },
        "teacher alone": {"teacher top-1": 74.3},
        "MIs": {"student top-1": 69.8, "teacher top-1": 71.2},
        "MIs+MIa": {"student top-1": 72.7, "teacher top-1": 76.0},
        "AMID with NCE": {"student top-1": 72.3, "teacher top-1": 74.3},
        "fixed teacher": {"student top-1": 66.0},
        "no warm-up": {"student top-1": 65.8},
        "no D2": {"student top-1": 72.8},
        "uniform lambda": {"student top-1": 72.7},
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
