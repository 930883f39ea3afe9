"""The compared methods in float64 numpy, for values and numerical gradients.

Each objective is a function of the parameters alone: what carries no gradient (the rows of the
banks, Z, what is stopped) is computed from the parameters the step started with, `start`.
"""

import numpy as np
import numpy_amid
import reference


def array(p, name):
    return next(value for path, value in p.items() if path.endswith(name))


def cross_entropy(out, y, sides="sm"):
    return sum(reference.cross_entropy(out[f"{side}_logits"], y).mean() for side in sides)


def embeddings(p, out):
    return tuple(
        reference.unit(numpy_amid.dense(p, f"{side}_embedding", out[letter]))
        for side, letter in (("student", "s"), ("teacher", "m"))
    )


def banks(p):
    return array(p, "student_bank"), array(p, "teacher_bank")


def others(labels, i):
    return [j for j in range(len(labels)) if labels[j] != labels[i]]


def crd_out(z, rows, index, labels, temperature):
    """exp(w . z / T) for each sample, its positive and then all samples of other classes."""
    return [
        np.exp(np.array([rows[j] @ z[b] for j in [i, *others(labels, i)]]) / temperature)
        for b, i in enumerate(index)
    ]


def crcd_out(z, rows, index, labels, temperature):
    """exp(r' . r / T), for each sample and anchor; every row is a sample's and an anchor's."""
    outs = []
    for b, i in enumerate(index):
        for a in index:
            r = reference.unit(z[b] - rows[a] + 1e-6)
            relations = reference.unit(rows[[i, *others(labels, i)]] - rows[a] + 1e-6)
            outs.append(np.exp(relations @ r / temperature))
    return outs


def normalizer(out, n):
    """Z: the mean over a first batch, times n."""
    return np.concatenate(out).mean() * n


def noise_contrast(outs, zs, n):
    """NCE of both sides, the mean over the rows."""
    return sum(
        np.mean([reference.contrastive_representation(row / z, n) for row in out])
        for out, z in zip(outs, zs, strict=True)
    )


def contrast(function, p, start, x, index, labels, temperature, zs=None):
    """CRD's or CRCD's loss with banks; returns it and both Z."""
    z_s, z_t = embeddings(p, numpy_amid.forward(p, x))
    student_rows, teacher_rows = banks(start)
    outs = (
        function(z_s, teacher_rows, index, labels, temperature),
        function(z_t, student_rows, index, labels, temperature),
    )
    n = len(labels)
    if zs is None:
        zs = tuple(normalizer(out, n) for out in outs)
    return noise_contrast(outs, zs, n), zs


def update(rows, z, index, momentum=0.5):
    """The banks after a step."""
    rows = rows.copy()
    for i in sorted(set(index)):
        mean = np.mean([z[b] for b, j in enumerate(index) if i == j], axis=0)
        rows[i] = reference.unit(momentum * rows[i] + (1 - momentum) * mean)
    return rows


def gmc(p, x, y, temperature, with_positive, weight=1.0):
    out = numpy_amid.forward(p, x)
    joint, s, a = (numpy_amid.dense(p, "shared_projection", out[k]) for k in "msa")
    losses = (
        reference.geometric_multimodal(joint, m, temperature, with_positive).mean() for m in (s, a)
    )
    return cross_entropy(out, y) + weight * sum(losses)


def ccl_forward(p, x):
    """Like `numpy_amid.forward`, the teacher CCL's composition."""
    out = numpy_amid.forward(p, x, teacher=False)
    return {**out, **composition(p, out["a"], out["s"])}


def composition(p, a, v):
    residual = numpy_amid.dense(
        p, "composition_dense", np.concatenate([reference.unit(a), reference.unit(v)], axis=1)
    )
    return {"m": a + residual, "m_logits": numpy_amid.dense(p, "classifier", a + residual)}


def ccl(p, start, x, y, temperature, divergence):
    """The student's loss and the composition's, to which v is what it was at the start."""
    out = ccl_forward(p, x)
    v, a, av = out["s"], out["a"], out["m"]
    sym = reference.symmetric_noise_contrastive
    student = (
        cross_entropy(out, y, "s")
        + sym(v, av, y, temperature).mean()
        + sym(v, a, y, temperature).mean()
        + divergence(out["s_logits"], out["m_logits"]).mean()
    )
    stopped = ccl_forward(start, x)
    av = composition(p, a, stopped["s"])
    teacher = (
        cross_entropy(av, y, "m")
        + sym(stopped["s"], av["m"], y, temperature).mean()
        + sym(av["m"], a, y, temperature).mean()
        + divergence(stopped["s_logits"], av["m_logits"]).mean()
    )
    return student + teacher


def student_contrast(p, x, y, weight, temperature):
    out = numpy_amid.forward(p, x, teacher=False)
    sym = reference.symmetric_noise_contrastive(out["s"], out["a"], y, temperature)
    return cross_entropy(out, y, "s") + weight * sym.mean()


def softened(p, start, x, temperature):
    """The KL term of `CCL(kl_weight=...)`, whose composition is what it was at the start."""
    logits = ccl_forward(start, x)["m_logits"], ccl_forward(p, x)["s_logits"]
    return reference.tempered_kl(*logits, temperature).mean()
