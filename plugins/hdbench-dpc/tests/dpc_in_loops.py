"""DPC once more, in plain loops over numpy arrays, from its description: the peer that the tests compare with."""

from __future__ import annotations

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def linear(p, name, x):
    return x @ p[f"{name}.weight"].reshape(len(p[f"{name}.bias"]), -1).T + p[f"{name}.bias"]


def noise(p, x, beta, z):
    """Predicted noise of one point x [3], given beta and the code z [d]."""
    context = np.concatenate([[beta, np.sin(beta), np.cos(beta)], z])
    y, layers = x, sum(key.endswith("_hyper_gate.bias") for key in p)
    for i in range(layers):
        name = f"diffusion.net.layers.{i}"
        gate = sigmoid(linear(p, f"{name}._hyper_gate", context))
        y = linear(p, f"{name}._layer", y) * gate + p[f"{name}._hyper_bias.weight"] @ context
        if i < layers - 1:
            y = np.where(y > 0, y, 0.01 * y)
    return x + y


def normalised(p, name, x, training):
    """Batch norm of [m, c]."""
    mean, var = (x.mean(0), x.var(0)) if training else (p[f"{name}.running_mean"], p[f"{name}.running_var"])
    return (x - mean) / np.sqrt(var + 1e-5) * p[f"{name}.weight"] + p[f"{name}.bias"]


def encoded(p, clouds, training):
    """Mean and log-variance of the codes of clouds [b, n, 3]."""
    x = clouds.reshape(-1, 3)
    for i in range(1, 5):
        x = normalised(p, f"encoder.bn{i}", linear(p, f"encoder.conv{i}", x), training)
        x = np.maximum(x, 0) if i < 4 else x
    pooled = x.reshape(len(clouds), clouds.shape[1], -1).max(1)
    heads = []
    for end in "mv":
        y = pooled
        for i in (1, 2):
            y = np.maximum(normalised(p, f"encoder.fc_bn{i}_{end}", linear(p, f"encoder.fc{i}_{end}", y), training), 0)
        heads.append(linear(p, f"encoder.fc3_{end}", y))
    return heads


def flowed(p, z):
    """w and log |det dw/dz| of one code z [d]."""
    half, total = len(z) // 2, 0.0
    for i in range(len({key.split(".")[2] for key in p if key.startswith("flow.")})):
        kept, other = (z[half:], z[:half]) if i % 2 == 0 else (z[:half], z[half:])
        name = f"flow.chain.{i}.net_s_t"
        h = np.maximum(linear(p, f"{name}.0", kept), 0)
        out = linear(p, f"{name}.4", np.maximum(linear(p, f"{name}.2", h), 0))
        scale = sigmoid(out[:half] + 2)
        other = other * scale + out[half:]
        z = np.concatenate([other, kept] if i % 2 == 0 else [kept, other])
        total += np.log(scale).sum()
    return z, total


def loss(p, clouds, code, eps, when, kl_weight):
    """The loss of training: one step ``when`` [b] per cloud."""
    betas = np.concatenate([[0], np.linspace(1e-4, 0.02, 100)])
    kept = np.cumprod(1 - betas)
    mean, log_variance = encoded(p, clouds, training=True)
    z = mean + np.exp(log_variance / 2) * code
    divergence, errors = [], []
    for j in range(len(clouds)):
        w, log_det = flowed(p, z[j])
        log_p = np.sum(-w * w / 2 - np.log(2 * np.pi) / 2) + log_det
        entropy = np.sum(0.5 * np.log(2 * np.pi * np.e * np.exp(log_variance[j])))
        divergence.append(-entropy - log_p)
        for x, e in zip(clouds[j], eps[j]):
            noised = np.sqrt(kept[when[j]]) * x + np.sqrt(1 - kept[when[j]]) * e
            errors.append(np.mean((noise(p, noised, betas[when[j]], z[j]) - e) ** 2))
    return kl_weight * np.mean(divergence) + np.mean(errors)


def sampled(p, w, start, fresh, flexibility):
    """A cloud by ancestral sampling from w [d], points ``start`` [n, 3] and ``fresh`` [99, n, 3] noise, in the order of use."""
    betas = np.concatenate([[0], np.linspace(1e-4, 0.02, 100)])
    kept = np.cumprod(1 - betas)
    z, x = unflowed(p, w), start
    for t in range(100, 0, -1):
        e = np.array([noise(p, point, betas[t], z) for point in x])
        mean = (x - betas[t] / np.sqrt(1 - kept[t]) * e) / np.sqrt(1 - betas[t])
        posterior = np.sqrt((1 - kept[t - 1]) / (1 - kept[t]) * betas[t])
        sigma = flexibility * np.sqrt(betas[t]) + (1 - flexibility) * posterior
        x = mean + sigma * fresh[100 - t] if t > 1 else mean
    return x


def unflowed(p, w):
    """The code z whose image is w [d]."""
    half, depth = len(w) // 2, len({key.split(".")[2] for key in p if key.startswith("flow.")})
    for i in reversed(range(depth)):
        kept, other = (w[half:], w[:half]) if i % 2 == 0 else (w[:half], w[half:])
        name = f"flow.chain.{i}.net_s_t"
        h = np.maximum(linear(p, f"{name}.0", kept), 0)
        out = linear(p, f"{name}.4", np.maximum(linear(p, f"{name}.2", h), 0))
        other = (other - out[half:]) / sigmoid(out[:half] + 2)
        w = np.concatenate([other, kept] if i % 2 == 0 else [kept, other])
    return w
