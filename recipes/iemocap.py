"""IEMOCAP: emotion recognition from the face, with sound and words as auxiliary modalities.

Paper rows: Table 3, set-ups V, A-V, L-V and AL-V: WA and UA, one of five sessions left out in turn.

    python recipes/iemocap.py --root IEMOCAP_full_release --face-checkpoint densenet121.pth \\
        --sound-checkpoint wav2vec2-base --text-checkpoint bert-base-uncased \\
        --vocabulary bert-base-uncased/vocab.txt
    python recipes/iemocap.py --features mmin --root IEMOCAP_features_2021
    python recipes/iemocap.py --smoke

With --features raw the recipe cuts the utterances out of the dialogues and runs DenseNet (frame by
frame), wav2vec 2.0 and BERT (means over time) over them once; checkpoints are torchvision's and
Hugging Face's. With mmin it reads the feature files of the MMIN project. Expected, by the paper: V
51.2 / 50.8 (WA / UA), AMID A-V 52.5 / 51.7, L-V 53.0 / 52.4, AL-V 53.8 / 52.7. Nobody has run this
recipe on the data set yet: the figures it prints stand beside the paper's.

Protocol: D 768, batch 128, temperature .6, warm-up 5 epochs (the paper's); LSTM with max pooling,
Adam 2e-4 with a cosine to 0, 60 epochs, the last epoch's weights (choices: the paper is silent).
A run that was cut off goes on where it was when called again.

Hardware and hours, estimated: the features of the raw data take one GPU about an hour, once; a fold
of a set-up is 60 epochs of 34 steps over 120 frames of features, a minute or two on a GPU, ten on
a CPU; the four set-ups are 20 of them.

--smoke imitates the data set (real .avi and .wav files, broken ones too) and runs every line on it,
with tiny networks without checkpoints.
"""

from keras_amid.data.datasets import IEMOCAP, MMIN
from keras_amid.data.datasets.miniatures import iemocap as raw_miniature
from keras_amid.data.datasets.miniatures import mmin as mmin_miniature
from keras_amid.experiments import main
from keras_amid.experiments.emotion import EmotionTask

CONFIG = dict(
    task=EmotionTask,
    name="iemocap",
    title="IEMOCAP",
    rows=("AMID",),
    seed=0,
    # Set-ups of Table 3: their auxiliary modalities; one session is left out in turn.
    auxiliaries={"V": (), "A-V": ("audio",), "L-V": ("text",), "AL-V": ("audio", "text")},
    setups=("V", "A-V", "L-V", "AL-V"),
    folds=(1, 2, 3, 4, 5),
    # Data.
    features="raw",
    datasets={
        "raw": IEMOCAP(side="markers", sample_rate=16000, short_side=128, fps=10.0),  # Hz, pixels
        "mmin": MMIN(face="denseface", audio="comparE", text="bert_large"),
    },
    frames=120,
    sound_seconds=12.0,
    tokens=64,
    # Networks: beside the frozen ones, an LSTM of D units.
    representation_dim=768,
    negative_slope=0.2,
    # AMID: Eq. 8, 9, 17 and 14.
    temperature=0.6,
    mi_student_weight=4.0,
    mi_auxiliary_weight=1.6,
    adversarial_weight=1.0,
    warmup_epochs=5,
    smoothing=0.9,
    # Training: Adam, the rate going to 0 by a cosine.
    batch=128,
    epochs=60,
    rate=2e-4,
    decay=0.0,
    discriminator_rate=3e-4,
    # What tables.py makes. It does not search: every session is tested on in some fold.
    tables=(3,),
    columns=("student WA", "student UA", "teacher WA", "teacher UA"),
    # The paper's figures, WA and UA of the student.
    paper={
        "V": {"student alone": (51.2, 50.8)},
        "A-V": {
            "GMC": (51.7, 50.9),
            "CRCD": (51.8, 50.2),
            "CCL": (51.5, 51.4),
            "AMID": (52.5, 51.7),
        },
        "L-V": {
            "GMC": (50.9, 50.5),
            "CRCD": (50.2, 49.9),
            "CCL": (52.7, 51.8),
            "AMID": (53.0, 52.4),
        },
        "AL-V": {
            "GMC": (51.9, 50.5),
            "CRCD": (52.0, 49.4),
            "CCL": (53.2, 51.4),
            "AMID": (53.8, 52.7),
        },
    },
)
SMOKE = {
    **CONFIG,
    "xla": False,
    "miniatures": {"raw": raw_miniature.write, "mmin": mmin_miniature.write},
    "folds": (1, 2),
    "datasets": {"raw": IEMOCAP(short_side=32), "mmin": MMIN()},
    "frames": 8,
    "sound_seconds": 0.5,
    "tokens": 8,
    # In place of BERT's vocabulary: a piece for each of the miniature's words.
    "words": tuple(
        "[PAD] [UNK] [CLS] [SEP] [MASK] stop shouting what fun the form so lonely not again".split()
    ),
    "face_network": {"blocks": (1, 1, 1, 1), "growth_rate": 4},
    "sound_network": {
        "conv_dim": (8,) * 7,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "num_conv_pos_embeddings": 8,
        "num_conv_pos_embedding_groups": 2,
    },
    "text_network": {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 16},
    "representation_dim": 16,
    "batch": 16,
    "epochs": 6,
    "warmup_epochs": 1,
    "rate": 1e-2,
}

if __name__ == "__main__":
    main(CONFIG, SMOKE, __doc__)
