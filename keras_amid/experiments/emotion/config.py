"""The numbers of an experiment on emotions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from keras_amid.experiments.config import Config, entry

#: What each modality is called in the data, by `EmotionConfig.features`.
NAMES = {
    "raw": {"face": "video", "audio": "audio", "text": "text"},
    "mmin": {"face": "face_features", "audio": "audio_features", "text": "text_features"},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class EmotionConfig(Config):
    """What CONFIG holds beside the entries of `Config`.

    Attributes:
        root: folder of the original files.
        features: "raw": dialogues, from which three frozen networks make the features; "mmin":
            the feature files of the MMIN project.
        datasets: dict, "raw" and "mmin" -> `keras_amid.data.datasets.DataSet` with its options.
        miniatures: dict likewise -> function of a folder that imitates the data set in it, in
            place of `root`; None: there is none.
        setups: names of the set-ups that a recipe runs, of `auxiliaries`.
        auxiliaries: dict, set-up -> its auxiliary modalities, of "audio" and "text". Without any
            there is only the student alone.
        folds: sessions to leave out in turn, 1 to 5.
        seed: of the training, in every fold.
        paper: dict, set-up -> row -> percent, one for each of `columns` from the first on.
        frames: of the face, at most; what is longer is cut.
        sound_seconds: of an utterance, cut from its middle where longer.
        tokens: of text, at most.
        vocabulary: BERT's vocab.txt.
        words: pieces of a vocabulary in place of that file.
        face_checkpoint, sound_checkpoint, text_checkpoint: of the frozen networks.
        face_network, sound_network, text_network: constructor arguments of networks without a
            checkpoint, whose random weights are the same every time.
    """

    data_entries = (
        "features", "datasets", "frames", "sound_seconds", "tokens", "face_network",
        "sound_network", "text_network",
    )  # fmt: skip

    root: Path | None = entry(None, "folder of the data set", free=True, type=Path)
    features: str = entry(help="what --root holds", choices=tuple(NAMES))
    datasets: Mapping = entry()
    miniatures: Mapping | None = entry(None, free=True)
    setups: tuple = entry(help="of Table 3", free=True, nargs="+", metavar="SETUP")
    auxiliaries: Mapping = entry(free=True)
    folds: tuple = entry(
        help="sessions to leave out in turn", free=True, nargs="+", type=int,
        choices=range(1, 6), metavar="1..5",
    )  # fmt: skip
    seed: int = entry(0, "of the training, in every fold", at_least=0, type=int)
    seeds: int = entry(1, free=True)
    frames: int = entry()
    sound_seconds: float = entry()
    tokens: int = entry()
    vocabulary: Path | None = entry(None, "BERT's vocab.txt (--features raw)", free=True, type=Path)
    words: tuple = entry((), free=True)
    face_checkpoint: Path | None = entry(
        None, "torchvision's DenseNet-121, .pth (--features raw)", free=True, type=Path
    )
    sound_checkpoint: Path | None = entry(
        None, "wav2vec 2.0, folder or file of Hugging Face's (--features raw)", free=True, type=Path
    )
    text_checkpoint: Path | None = entry(
        None, "BERT, folder or file of Hugging Face's (--features raw)", free=True, type=Path
    )
    face_network: Mapping = entry({})
    sound_network: Mapping = entry({})
    text_network: Mapping = entry({})

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = [name for name in self.setups if name not in self.auxiliaries]
        if unknown:
            raise ValueError(f"`setups` must be of {list(self.auxiliaries)}; received {unknown}.")

    @property
    def miniature(self):
        """Function of a folder that imitates the data set in it, or None."""
        return self.miniatures and self.miniatures[self.features]
