"""The gradient term of CRCD: do student and teacher want to move the same way?"""

from __future__ import annotations

from keras import ops

from keras_amid.losses.similarity import at_least_float32, l2_normalize
from keras_amid.typing import Tensor


def gradient_agreement_loss(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, kernel: Tensor
) -> Tensor:
    """One minus the cosine of the two sides' cross-entropy gradients, for each sample.

        g = d CE(logits, y) / d representation = W (softmax(logits) - onehot(y))
        loss_i = 1 - cosine(g_S,i, g_M,i)

    In closed form, for the linear classifier W that student and teacher share: no gradient of a
    gradient is needed. Paper, released code and this differ: the paper contrasts the gradients'
    relations as it does the features'; the released code, by default, has this cosine, of gradients
    taken automatically, times 10 and times its KL divergence; this is the cosine alone.

    Args:
        student_logits: float tensor, shape `(batch, classes)`.
        teacher_logits: float tensor, shape `(batch, classes)`.
        labels: integer tensor, shape `(batch,)`.
        kernel: W, float tensor, shape `(dim, classes)`.

    Returns:
        float32 tensor, shape `(batch,)`, values in [0, 2]. A gradient of zeros agrees with
        nothing: 1.

    Reference: Zhu et al., "Complementary Relation Contrastive Distillation", CVPR 2021.
    """
    w = ops.transpose(at_least_float32(kernel))
    sides = []
    for logits in (student_logits, teacher_logits):
        p = ops.softmax(at_least_float32(logits), axis=-1)
        truth = ops.one_hot(labels, ops.shape(p)[-1], dtype=p.dtype)
        sides.append(l2_normalize(ops.matmul(p - truth, w)))
    return 1.0 - ops.clip(ops.sum(sides[0] * sides[1], axis=-1), -1.0, 1.0)
