"""Multinomial logistic regression with an L2 penalty, in numpy: the same numbers give the same rule."""

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.errors import ConversionError

__all__ = ["fit_softmax", "log_softmax"]

Floats = NDArray[np.float64]

# Of the line search Newton-CG (Nocedal and Wright, Numerical Optimization, algorithm 7.1): steps, and Armijo's share.
_STEPS, _DESCENT = 100, 1e-4
# The share of a loss that is rounding: near the minimum no step shows in it.
_ROUNDING = 1e-14
# Curvature lent to the biases, as a share of the gradient's length. They have no penalty, and where all probabilities
# are 0 or 1 they have no curvature, so that a step has no end; near the minimum next to nothing is lent.
_LENT = 0.01
# Where no entry of the gradient is larger, a further step would change no digit that is kept.
_FLAT = 1e-9
_SHORTEST = 1e-10


def fit_softmax(
    features: Floats, labels: NDArray[np.intp], weights: Floats, expected: Floats, strength: float
) -> Floats:
    """The rule with the least weighted cross-entropy plus strength / 2 · Σ (w − expected)² over weights, not biases.

    The function is convex, so Newton's method finds the one there is in a handful of steps.

    Args:
        features: (samples, features) float64.
        labels: (samples,) the class of each, from 0.
        weights: (samples,) of the samples.
        expected: (classes, features) float64, what its weights are where the samples say nothing.
        strength: of the penalty, over 0.

    Returns:
        (classes, 1 + features) float64, each class's bias and weights; the biases add up to 0.

    Raises:
        ConversionError: the minimum was not found.
    """
    classes = len(expected)
    centre = np.column_stack([np.zeros(classes), expected])
    inputs = np.column_stack([np.ones(len(features)), features])
    rows = np.arange(len(labels))
    shares = weights[:, np.newaxis]
    wanted = np.zeros((len(features), classes))
    wanted[rows, labels] = 1.0
    penalty = np.full(inputs.shape[1], strength)
    penalty[0] = 0.0

    def loss(logs: Floats, table: Floats) -> float:
        return float(-(weights * logs[rows, labels]).sum() + 0.5 * (penalty * (table - centre) ** 2).sum())

    table = centre
    logs = log_softmax(table, features)
    value = loss(logs, table)
    for _ in range(_STEPS):
        chances = np.exp(logs)
        gradient = ((chances - wanted) * shares).T @ inputs + penalty * (table - centre)
        if np.abs(gradient).max() <= _FLAT:
            return table
        step = _newton_step(gradient, chances, chances * shares, inputs, penalty)
        slope, length = float((step * gradient).sum()), 1.0
        while length >= _SHORTEST:
            tried = table + length * step
            logs = log_softmax(tried, features)
            if (reached := loss(logs, tried)) <= value + _DESCENT * length * slope + _ROUNDING * abs(value):
                break
            length /= 2
        else:
            break
        table, value = tried, reached
    raise ConversionError(
        f"no rule for categories could be fitted to {len(features)} pictures: the gradient is still "
        f"{np.abs(gradient).max():.1e}; leave --nothing out, and report what the scores were"
    )


def log_softmax(table: Floats, features: Floats) -> Floats:
    """(samples, classes) logarithms of the probabilities that a rule gives to these samples."""
    heights = features @ table[:, 1:].T + table[:, 0]
    heights = heights - heights.max(axis=1, keepdims=True)
    return np.asarray(heights - np.log(np.exp(heights).sum(axis=1, keepdims=True)))


def _newton_step(gradient: Floats, chances: Floats, weighted: Floats, inputs: Floats, penalty: Floats) -> Floats:
    """−H⁻¹ times the gradient, by conjugate gradients, as exactly as it pays; H is never written down.

    H is Σ w (diag(p) − p pᵀ) ⊗ x xᵀ and the penalty. To add the same to all biases costs nothing, and no step does.
    """
    penalty = penalty.copy()
    penalty[0] = _LENT * float((gradient * gradient).sum()) ** 0.5
    step, rest = np.zeros_like(gradient), -gradient
    towards, square = rest, float((rest * rest).sum())
    enough = min(0.25, square**0.5) * square
    for _ in range(gradient.size):
        moved = inputs @ towards.T
        turned = (weighted * (moved - (chances * moved).sum(axis=1, keepdims=True))).T @ inputs + penalty * towards
        length = square / float((towards * turned).sum())
        step = step + length * towards
        rest = rest - length * turned
        before, square = square, float((rest * rest).sum())
        if square <= enough:
            break
        towards = rest + (square / before) * towards
    return step
