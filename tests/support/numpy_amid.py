"""AMID of `tiny.amid` in float64 numpy: forward pass and Eq. 12 to 17, for numerical gradients."""

import keras
import numpy as np
import reference


def parameters(model):
    return {
        v.path: keras.ops.convert_to_numpy(v.value).astype("float64")
        for v in [*model.trainable_variables, *model.non_trainable_variables]
    }


def group(path):
    for name in ("fundamental_discriminator", "enhanced_discriminator"):
        if name in path:
            return name
    return "main"


def leaky(x, slope=0.2):
    return np.where(x > 0, x, slope * x)


def dense(p, name, x):
    kernel = next(v for path, v in p.items() if path.endswith(f"{name}/kernel"))
    bias = next(v for path, v in p.items() if path.endswith(f"{name}/bias"))
    return x @ kernel + bias


def mlp(p, name, x, depth):
    for i in range(1, depth):
        x = leaky(dense(p, f"{name}/dense_{i}", x))
    return dense(p, f"{name}/dense_{depth}", x)


def forward(p, x, teacher=True):
    video = leaky(dense(p, "video_extractor/dense", x["video"].astype("float64")))
    audio = leaky(dense(p, "audio_extractor/dense", x["audio"].astype("float64")))
    s = dense(p, "student_projection", video) if _has(p, "student_projection") else video
    a = dense(p, "auxiliary_projection", audio) if _has(p, "auxiliary_projection") else audio
    out = {"s": s, "a": a, "s_logits": dense(p, "classifier", s)}
    if teacher:
        out["m"] = mlp(p, "teacher_mlp", np.concatenate([video, audio], axis=1), 2)
        out["m_logits"] = dense(p, "classifier", out["m"])
    return out


def _has(p, name):
    return any(name in path for path in p)


def discriminate(p, m, s):
    d1 = [mlp(p, "fundamental_discriminator", r, 5)[:, 0] for r in (m, s)]
    d2 = [mlp(p, "enhanced_discriminator", r, 3)[:, 0] for r in (m, s)]
    return d1, d2


def components(p, x, y, tau, lambdas, d, weight=None):
    """Every term for the batch, each its weighted mean."""
    out = forward(p, x)
    w = np.ones(len(y)) if weight is None else np.asarray(weight, "float64")
    (d1_m, d1_s), (d2_m, d2_s) = discriminate(p, out["m"], out["s"])
    assert weight is None or "adversarial" not in lambdas
    return {
        "classification_loss": np.mean(
            w
            * (
                reference.cross_entropy(out["s_logits"], y)
                + reference.cross_entropy(out["m_logits"], y)
            )
        ),
        "divergence_loss": np.mean(w * reference.jensen_shannon(out["s_logits"], out["m_logits"])),
        "mi_student_loss": np.mean(w * reference.mutual_information(out["m"], out["s"], y, tau)),
        "mi_auxiliary_loss": np.mean(w * reference.mutual_information(out["m"], out["a"], y, tau)),
        "adversarial_loss": reference.adversarial(d1_s, d2_s, y, lambdas, d),
        "discriminator_loss": reference.discriminator(d1_m, d1_s, d2_m, d2_s, y, lambdas, d),
    }


def objective(terms, a1, a2, a3):
    """L of Eq. 17."""
    return (
        terms["classification_loss"]
        + terms["divergence_loss"]
        + a1 * terms["mi_student_loss"]
        + a2 * terms["mi_auxiliary_loss"]
        + a3 * terms["adversarial_loss"]
    )


def numerical_gradient(p, path, loss, step=1e-6):
    """Central differences of `loss(p)` by the parameter at `path`."""
    grad = np.zeros_like(p[path])
    for index in np.ndindex(grad.shape):
        sides = []
        for delta in (step, -step):
            moved = {**p, path: p[path].copy()}
            moved[path][index] += delta
            sides.append(loss(moved))
        grad[index] = (sides[0] - sides[1]) / (2 * step)
    return grad
