"""The same batches as every kind of stream that `fit`, `evaluate` and `predict` take."""

import keras

#: A torch DataLoader is tested where torch runs; the others on every backend.
KINDS = ["tf_data", "py_dataset", "generator"]
KINDS += ["loader"] if keras.backend.backend() == "torch" else []


class Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__(workers=2)
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def of_batches(kind, batches):
    """A stream of the kind that yields these batches: dicts of arrays, or tuples with them."""
    if kind == "py_dataset":
        return Batches(batches)
    if kind == "generator":
        return (batch for batch in batches)
    if kind == "loader":
        import torch

        return torch.utils.data.DataLoader(batches, batch_size=None)
    import tensorflow as tf

    parts = [tf.data.Dataset.from_tensors(batch) for batch in batches]
    stream = parts[0]
    for part in parts[1:]:
        stream = stream.concatenate(part)
    return stream


def batches(size, *data):
    """Batches of `size` samples of `(x,)`, `(x, y)` or `(x, y, sample_weight)`; x alone as x."""
    samples = len(next(iter(keras.tree.flatten(data[0]))))
    parts = [
        keras.tree.map_structure(lambda array, start=start: array[start : start + size], data)
        for start in range(0, samples, size)
    ]
    return [part[0] for part in parts] if len(data) == 1 else parts
