"""The equations as plain float64 loops, against which the losses are tested."""

import math

import numpy as np


def cosine(a, b):
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def posterior(anchor, candidates, temperature):
    """h_ij of Eq. 7."""
    h = np.zeros((len(anchor), len(candidates)))
    for i, a in enumerate(anchor):
        scores = [cosine(a, c) / temperature for c in candidates]
        top = max(scores)
        total = sum(math.exp(s - top) for s in scores)
        for j, s in enumerate(scores):
            h[i, j] = math.exp(s - top) / total
    return h


def mutual_information(anchor, candidates, labels, temperature, normalize_positives=False):
    """Eq. 8 for each anchor."""
    h = posterior(anchor, candidates, temperature)
    values = []
    for i in range(len(labels)):
        total = 0.0
        k = sum(label == labels[i] for label in labels) if normalize_positives else 1
        for j in range(len(labels)):
            if labels[i] == labels[j]:
                total += math.log(h[i, j]) / k
            else:
                total += math.log(1.0 - h[i, j])
        values.append(-total)
    return np.array(values)


def noise_contrastive(anchor, candidates, labels, temperature):
    """CCL's NCE for each anchor."""
    h = posterior(anchor, candidates, temperature)
    values = []
    for i in range(len(labels)):
        positive = [math.log(h[i, j]) for j in range(len(labels)) if labels[i] == labels[j]]
        negative = [math.log(1 - h[i, j]) for j in range(len(labels)) if labels[i] != labels[j]]
        value = -sum(positive) / len(positive)
        if negative:
            value -= sum(negative) / len(negative)
        values.append(value)
    return np.array(values)


def softmax(logits):
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def jensen_shannon(logits_p, logits_q):
    """Eq. 16 for each sample."""
    values = []
    for p, q in zip(softmax(logits_p), softmax(logits_q), strict=True):
        total = 0.0
        for a, b in zip(p, q, strict=True):
            m = (a + b) / 2
            total += 0.5 * a * math.log(a / m) + 0.5 * b * math.log(b / m)
        values.append(total)
    return np.array(values)


def log_sigmoid(x):
    return -math.log1p(math.exp(-x))


def next_of_class(labels, i):
    """The next sample of i's class in the batch, cyclically."""
    n = len(labels)
    for step in range(1, n + 1):
        j = (i + step) % n
        if labels[j] == labels[i]:
            return j


def repeated(labels):
    """V of Eq. 12."""
    return [i for i in range(len(labels)) if sum(label == labels[i] for label in labels) > 1]


def adversarial(d1_s, d2_s, labels, weights, d):
    """L_adv, Eq. 12, the scalar."""
    loss = -weights[0] / len(labels) * sum(log_sigmoid(x) for x in d1_s)
    for v in repeated(labels):
        loss -= weights[1] / d * log_sigmoid(d2_s[next_of_class(labels, v)])
    return loss


def discriminator(d1_m, d1_s, d2_m, d2_s, labels, weights, d):
    """L_D, Eq. 13, the scalar."""
    loss = 0.0
    for m, s in zip(d1_m, d1_s, strict=True):
        loss -= weights[0] / len(labels) * (log_sigmoid(m) + log_sigmoid(-s))
    for v in repeated(labels):
        s = d2_s[next_of_class(labels, v)]
        loss -= weights[1] / d * (log_sigmoid(d2_m[v]) + log_sigmoid(-s))
    return loss


def cross_entropy(logits, labels):
    return np.array([-math.log(p[y]) for p, y in zip(softmax(logits), labels, strict=True)])


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def contrastive_representation(out, n, eps=1e-7):
    """CRD's NCE of one row of out, the positive first."""
    k = len(out) - 1
    total = math.log(out[0] / (out[0] + k / n + eps))
    for value in out[1:]:
        total += math.log((k / n) / (value + k / n + eps))
    return -total


def relation_cosine(z, t, w):
    """norm(w - t + 1e-6) . norm(z - t + 1e-6), of CRCD, for three vectors."""
    r, r_t = (np.array([a - b + 1e-6 for a, b in zip(x, t, strict=True)]) for x in (z, w))
    return cosine(r, r_t)


def gradient_agreement(logits_s, logits_m, labels, kernel):
    """CRCD's gradient term for each sample."""
    values = []
    for p, q, y in zip(softmax(logits_s), softmax(logits_m), labels, strict=True):
        sides = []
        for prediction in (p, q):
            gradient = np.zeros(len(kernel))
            for c in range(len(p)):
                gradient += kernel[:, c] * (prediction[c] - (c == y))
            sides.append(gradient)
        values.append(1 - cosine(*sides))
    return np.array(values)


def geometric_multimodal(joint, modality, temperature, positive_in_denominator):
    """GMC's loss of one modality for each sample: the mean of its two rows."""
    rows = [*joint, *modality]
    batch, values = len(joint), []
    for i in range(2 * batch):
        positive = (i + batch) % (2 * batch)
        total = 0.0
        for j in range(2 * batch):
            if j != i and (j != positive or positive_in_denominator):
                total += math.exp(cosine(rows[i], rows[j]) / temperature)
        score = math.exp(cosine(rows[i], rows[positive]) / temperature)
        values.append(-math.log(score / total))
    return np.array([(values[i] + values[i + batch]) / 2 for i in range(batch)])


def symmetric_noise_contrastive(u, v, labels, temperature):
    """CCL's Sym for each sample."""
    there = noise_contrastive(u, v, labels, temperature)
    return there + noise_contrastive(v, u, labels, temperature)


def symmetric_kl(logits_p, logits_q):
    """CCL's "JSD" for each sample."""
    values = []
    for p, q in zip(softmax(logits_p), softmax(logits_q), strict=True):
        total = 0.0
        for a, b in zip(p, q, strict=True):
            total += 0.5 * a * math.log(a / b) + 0.5 * b * math.log(b / a)
        values.append(total)
    return np.array(values)


def tempered_kl(logits_p, logits_q, temperature):
    """T^2 KL(p || q) of softened predictions, for each sample."""
    values = []
    for p, q in zip(logits_p, logits_q, strict=True):
        p, q = softmax(p / temperature), softmax(q / temperature)
        values.append(temperature**2 * sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)))
    return np.array(values)
