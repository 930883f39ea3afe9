"""A step equals the one written by hand in PyTorch, the yardstick of tests/benchmarks."""

import numpy as np
import tiny
import torch
from torch_amid import ByHand, perceptron

DIM, CLASSES, BATCH = 4, 3, 12
PARTS = {  # of the model here -> of the one by hand
    "auxiliary_projection": "auxiliary",
    "teacher_mlp": "teacher",
    "classifier": "classifier",
    "fundamental_discriminator": "d1",
    "enhanced_discriminator": "d2",
}


def by_hand(model):
    """The network by hand with the weights of a `tiny.amid` and its optimizers."""
    video, audio = (perceptron([n, m], 0.2) for n, m in ((tiny.VIDEO, 4), (tiny.AUDIO, 3)))
    made = ByHand(video, audio, 4, 3, CLASSES, DIM, lambda p: torch.optim.SGD(p, 0.1))
    pairs = [(model.target_extractors["video"], made.video)]
    pairs += [(model.auxiliary_extractors["audio"], made.audio)]
    pairs += [(getattr(model, ours), getattr(made, theirs)) for ours, theirs in PARTS.items()]
    for (layer, _), (weights, parameters) in zip(pairs, weights_of(pairs), strict=True):
        assert len(weights) == len(parameters), layer.name
        for value, parameter in zip(weights, parameters, strict=True):
            parameter.data = torch.tensor(value.T if value.ndim == 2 else value)
    return made, pairs


def weights_of(pairs):
    """Of each pair, Keras's weights as arrays and PyTorch's parameters, in the same order."""
    return [(layer.get_weights(), list(module.parameters())) for layer, module in pairs]


def test_three_steps_are_the_same():
    x, y = tiny.data(3 * BATCH, CLASSES)
    model = tiny.amid(num_classes=CLASSES, dim=DIM)
    model.compile(optimizer=tiny.sgd(), **tiny.FEW_STEPS)
    hand, pairs = by_hand(model)
    model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
    start = hand.audio[0].weight.clone()
    for i in range(0, len(y), BATCH):
        batch = (x["video"], x["audio"], y.astype("int64"))
        hand.amid_step(*(torch.from_numpy(values[i : i + BATCH]) for values in batch))
    for (layer, _), (weights, parameters) in zip(pairs, weights_of(pairs), strict=True):
        for value, parameter in zip(weights, parameters, strict=True):
            value = value.T if value.ndim == 2 else value
            np.testing.assert_allclose(
                value, parameter.detach().numpy(), atol=1e-5, err_msg=layer.name
            )
    assert torch.equal(hand.audio[0].weight, start)
