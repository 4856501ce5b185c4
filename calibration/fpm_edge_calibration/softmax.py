"""Multinomial logistic regression with an L2 penalty, in numpy: the same numbers give the same rule."""

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["fit_softmax", "log_softmax"]

Floats = NDArray[np.float64]

# Of L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4): pairs kept, steps, and Armijo's share.
_MEMORY, _STEPS, _DESCENT = 10, 500, 1e-4
# Where no entry of the gradient is larger, a further step would change no digit that is kept.
_FLAT = 1e-7
_SHORTEST = 1e-10


def fit_softmax(
    features: Floats, labels: NDArray[np.intp], weights: Floats, expected: Floats, strength: float
) -> Floats:
    """The rule with the least weighted cross-entropy plus strength / 2 · Σ (w − expected)² over weights, not biases.

    Args:
        features: (samples, features) float64.
        labels: (samples,) the class of each, from 0.
        weights: (samples,) of the samples.
        expected: (classes, features) float64, what its weights are where the samples say nothing.
        strength: of the penalty, over 0.

    Returns:
        (classes, 1 + features) float64, each class's bias and weights.
    """
    classes = len(expected)
    centre = np.column_stack([np.zeros(classes), expected])
    inputs = np.column_stack([np.ones(len(features)), features])
    wanted = np.zeros((len(features), classes))
    wanted[np.arange(len(labels)), labels] = 1.0
    penalty = np.full(inputs.shape[1], strength)
    penalty[0] = 0.0

    def loss(flat: Floats) -> tuple[float, Floats]:
        table = flat.reshape(classes, -1)
        logs = log_softmax(table, features)
        value = -(weights * logs[np.arange(len(labels)), labels]).sum() + 0.5 * (penalty * (table - centre) ** 2).sum()
        gradient = ((np.exp(logs) - wanted) * weights[:, np.newaxis]).T @ inputs + penalty * (table - centre)
        return float(value), gradient.ravel()

    return _minimum(loss, centre.ravel()).reshape(classes, -1)


def log_softmax(table: Floats, features: Floats) -> Floats:
    """(samples, classes) logarithms of the probabilities that a rule gives to these samples."""
    heights = features @ table[:, 1:].T + table[:, 0]
    heights = heights - heights.max(axis=1, keepdims=True)
    return np.asarray(heights - np.log(np.exp(heights).sum(axis=1, keepdims=True)))


def _minimum(loss: Callable[[Floats], tuple[float, Floats]], place: Floats) -> Floats:
    """Where a convex function is smallest, by L-BFGS with backtracking."""
    value, gradient = loss(place)
    pairs: deque[tuple[Floats, Floats]] = deque(maxlen=_MEMORY)
    for _ in range(_STEPS):
        if np.abs(gradient).max() <= _FLAT:
            break
        step = -_times_inverse(gradient, pairs)
        slope, length = float(step @ gradient), 1.0
        while True:
            tried = place + length * step
            new_value, new_gradient = loss(tried)
            if new_value <= value + _DESCENT * length * slope or length < _SHORTEST:
                break
            length /= 2
        if length < _SHORTEST:
            break
        moved, turned = tried - place, new_gradient - gradient
        if moved @ turned > 0:
            pairs.append((moved, turned))
        place, value, gradient = tried, new_value, new_gradient
    return place


def _times_inverse(gradient: Floats, pairs: deque[tuple[Floats, Floats]]) -> Floats:
    """The inverse of the Hessian, as the pairs tell it, times the gradient."""
    result, shares = gradient.copy(), []
    for moved, turned in reversed(pairs):
        share = (moved @ result) / (moved @ turned)
        result -= share * turned
        shares.append(share)
    if pairs:
        moved, turned = pairs[-1]
        result *= (moved @ turned) / (turned @ turned)
    for (moved, turned), share in zip(pairs, reversed(shares), strict=True):
        result += (share - (turned @ result) / (moved @ turned)) * moved
    return result
