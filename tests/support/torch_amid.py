"""AMID written by hand in PyTorch the usual way: a yardstick of speed, and of what a step does.

Three losses, three backward passes, three optimizers: L reaches the networks, then D1's and D2's
parts of L_D, with the representations detached, reach each its own discriminator. Equations as in
the paper; plain PyTorch, nothing of Keras.
"""

import torch
from torch import nn
from torch.nn import functional as F

A1, A2, A3, TAU = 4.0, 1.6, 1.0, 0.5


def perceptron(sizes, slope, last=True):
    """Linear layers, Leaky ReLU after each; `last=False`: after each but the last."""
    layers = []
    for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(slope)]
    return nn.Sequential(*layers[: None if last else -1])


class ByHand(nn.Module):
    """Student S, auxiliary A, teacher M and both discriminators.

    `video` and `audio` map inputs to `video_size` and `audio_size` features; `audio` is frozen.
    `optimizer` makes one of parameters.
    """

    def __init__(self, video, audio, video_size, audio_size, classes, dim, optimizer, device="cpu"):
        super().__init__()
        self.video, self.audio = video, audio.requires_grad_(False)
        self.student = nn.Identity() if video_size == dim else nn.Linear(video_size, dim)
        self.auxiliary = nn.Identity() if audio_size == dim else nn.Linear(audio_size, dim)
        self.teacher = perceptron([video_size + audio_size, dim, dim], 0.2, last=False)
        self.classifier = nn.Linear(dim, classes)
        self.d1 = perceptron([dim] * 5 + [1], 0.2, last=False)
        self.d2 = perceptron([dim] * 3 + [1], 0.2, last=False)
        self.to(device)
        self.weights, self.repeats = (0.5, 0.5), None  # lambda of this epoch, d of Eq. 12
        self.parts = (self.video, self.student, self.auxiliary, self.teacher, self.classifier)
        main = [p for part in self.parts for p in part.parameters()]
        groups = (main, self.d1.parameters(), self.d2.parameters())
        self.optimizers = [optimizer(group) for group in groups]
        self.sums = {}

    def features(self, video, dtype):
        """The video's features; in bfloat16, PyTorch chooses by operation."""
        with torch.autocast(video.device.type, dtype, enabled=dtype != torch.float32):
            return self.video(video).float()

    def amid_step(self, video, audio, y, dtype=torch.float32):
        """One training step; adds what is logged to `sums`."""
        main, optimizer_1, optimizer_2 = self.optimizers
        features, sound = self.features(video, dtype), self.audio(audio)
        s, a = self.student(features), self.auxiliary(sound)
        m = self.teacher(torch.cat([features, sound], 1))
        student_logits, teacher_logits = self.classifier(s), self.classifier(m)
        same = y[:, None] == y[None, :]
        repeated = same.sum(1) > 1
        d = self.pair_normalizer(repeated)

        terms = {
            "classification": F.cross_entropy(student_logits, y)
            + F.cross_entropy(teacher_logits, y),
            "divergence": jensen_shannon(student_logits, teacher_logits),
            "mi_student": mutual_information(m, s, same),
            "mi_auxiliary": mutual_information(m, a, same),
            "adversarial": self.adversarial(s, repeated, d),
        }
        weights = (1.0, 1.0, A1, A2, A3)
        loss = sum(w * term for w, term in zip(weights, terms.values(), strict=True))
        main.zero_grad()
        loss.backward()
        main.step()

        m, s = m.detach(), s.detach()
        terms["discriminator_1"] = self.weights[0] * told_apart(self.d1(m), self.d1(s)).mean()
        optimizer_1.zero_grad()
        terms["discriminator_1"].backward()
        optimizer_1.step()

        apart = told_apart(self.d2(m), self.d2(s)) * repeated
        terms["discriminator_2"] = self.weights[1] * apart.sum() / d
        optimizer_2.zero_grad()
        terms["discriminator_2"].backward()
        optimizer_2.step()

        with torch.no_grad():
            terms["student_accuracy"] = (student_logits.argmax(1) == y).float().mean()
            terms["teacher_accuracy"] = (teacher_logits.argmax(1) == y).float().mean()
            # Phi_1 and Phi_2 of Eq. 14
            cosine = F.normalize(m) @ F.normalize(s).T
            terms["instance_cosine"] = cosine.diagonal().mean()
            others = same.float() - torch.eye(len(y), device=y.device)
            terms["class_cosine"] = (cosine * others).sum() / others.sum().clamp(min=1.0)
        self.log(terms)

    def student_step(self, video, audio, y, dtype=torch.float32):
        """A step of the student's cross-entropy alone."""
        del audio
        logits = self.classifier(self.student(self.features(video, dtype)))
        loss = F.cross_entropy(logits, y)
        self.optimizers[0].zero_grad()
        loss.backward()
        self.optimizers[0].step()
        self.log({"student": loss, "student_accuracy": (logits.argmax(1) == y).float().mean()})

    def adversarial(self, s, repeated, d):
        """L_adv, Eq. 12. The gradient it leaves in D1 and D2 is zeroed before their own steps."""
        fundamental = F.softplus(-self.d1(s)[:, 0])
        # Summed over V, S_v' are the S_v themselves, in another order.
        enhanced = F.softplus(-self.d2(s)[:, 0]) * repeated
        return self.weights[0] * fundamental.mean() + self.weights[1] * enhanced.sum() / d

    def pair_normalizer(self, repeated):
        """d: the running mean of the number of samples whose class repeats, at least 1."""
        count = repeated.sum().float()
        self.repeats = count if self.repeats is None else 0.9 * self.repeats + 0.1 * count
        return self.repeats.clamp(min=1.0)

    def log(self, terms):
        """Adds up without waiting for the device."""
        for name, term in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + term.detach()


def mutual_information(anchor, candidates, same):
    """Eq. 8."""
    h = torch.softmax(F.normalize(anchor) @ F.normalize(candidates).T / TAU, 1)
    return -torch.where(same, h.log(), torch.log1p(-h)).sum(1).mean()


def jensen_shannon(logits_p, logits_q):
    """Eq. 16."""
    p, q = logits_p.softmax(1), logits_q.softmax(1)
    log_m = ((p + q) / 2).log()
    return ((p * (p.log() - log_m) + q * (q.log() - log_m)).sum(1) / 2).mean()


def told_apart(teacher_logits, student_logits):
    """-log D(M_i) - log(1 - D(S_i)), of Eq. 13."""
    return (F.softplus(-teacher_logits) + F.softplus(student_logits))[:, 0]
