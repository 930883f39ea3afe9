"""A world as arrays, computed once from its media: hundreds of runs start there.

The sound extractor is frozen, so what it makes of a sound never changes; nor do the mean levels
of a clip's cells, the part of `keras_amid.extractors.clip_mlp` that has no weights. Both are
computed from the decoded media, by the extractors' own layers.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

import keras_amid as ka
from keras_amid.data import ripple_tank
from keras_amid.data.storage.files import replacing
from keras_amid.experiments.ripple_tank import networks
from keras_amid.experiments.ripple_tank.config import RippleTankConfig


def write_arrays(path: Path, config: RippleTankConfig, seed: int, tuning: bool) -> None:
    """Media, records, the sound extractor's pre-training, and the arrays; once.

    Args:
        path: of the arrays, .npz.
        config: its numbers.
        seed: of the world.
        tuning: whether it is tuned on: then there is no test split to read.
    """
    if path.exists():
        return
    tank = ripple_tank.prepare(
        path.parent / "data", seed=seed, **config.sizes(tuning), workers=1, progress=False
    )
    keras.utils.set_random_seed(seed)
    sound = networks.sound_extractor(config, tank)
    clip = ka.extractors.clip_mlp()
    cells = keras.Model(clip.input, clip.get_layer("cells").output)
    values = {}
    for split in (split for split in tank.counts if split != "sounds"):
        names = ("video", "audio", "text")
        batches = tank.pipeline(split, config.evaluation_batch, names, cache=False)
        parts = [
            {
                "video": keras.ops.convert_to_numpy(cells(x["video"])),
                "audio": keras.ops.convert_to_numpy(sound(x["audio"])),
                "text": x["text"],
                "y": y,
            }
            for x, y in batches.as_numpy_iterator()
        ]
        for name in parts[0]:
            values[f"{split} {name}"] = np.concatenate([part[name] for part in parts])
    with replacing(path) as temporary:
        np.savez(temporary, **values)
