"""Forward pass and backward pass, in the order of the contract."""

from typing import Any, NamedTuple

import numpy as np

from fastxor.contract.functions import ACTIVATIONS, Array, softmax
from fastxor.contract.sums import sample_sum


class Layer(NamedTuple):
    """The parameters of a layer of ``units``, and the function that follows its sums."""

    W: Array
    """(inputs, units)"""
    b: Array | None
    """(1, units), or None in a layer without biases"""
    activation: str
    scale: float = 1.0
    """What the sums are multiplied with before that."""


def forward_propagation(X: Array, layers: list[Layer]) -> tuple[list[Array], Array]:
    """The activations A1, ..., AL of each layer (n, units), and ZL, of which AL is made.

    Parameters may be stacked: with further dimensions in front, which the results have then.
    """
    activations, A = [], X
    for W, b, activation, scale in layers:
        Z = A[..., :1] * W[..., :1, :]
        if b is not None:
            Z = b + Z
        for i in range(1, W.shape[-2]):
            Z = Z + A[..., i : i + 1] * W[..., i : i + 1, :]
        if scale != 1:
            Z = Z * Z.dtype.type(scale)
        A = softmax(Z) if activation == "softmax" else ACTIVATIONS[activation][0](Z)
        activations.append(A)
    return activations, Z


def backward_propagation(
    X: Array, y: Array, activations: list[Array], layers: list[Layer], loss: str,
    weights: Array | None = None,
) -> list[Array]:  # fmt: skip
    """The gradients of W1, b1, ..., WL, bL, as far as there are biases: sums over the samples.

    For "mse" they are those of n * O / 2 times the loss, for "log_loss" of n times the loss, or
    n * O with sigmoids. ``weights`` (n, 1) of samples, if there are any, count in them.
    """
    gradients: list[Array] = []
    delta = activations[-1] - y  # (n, O)
    if loss == "mse":
        delta = ACTIVATIONS[layers[-1].activation][1](delta, activations[-1])
    if weights is not None:
        delta = delta * weights
    inputs = [X, *activations[:-1]]
    for number in range(len(layers) - 1, -1, -1):
        (W, b, _, scale), A = layers[number], inputs[number]
        if scale != 1:
            delta = delta * delta.dtype.type(scale)
        of_b = [] if b is None else [sample_sum(delta)[None]]
        of_W = np.stack([sample_sum(A[:, i : i + 1] * delta) for i in range(A.shape[1])])
        gradients = [of_W, *of_b, *gradients]
        if number:
            back = delta[:, :1] * W[:, 0]  # (n, units of the layer before)
            for u in range(1, W.shape[1]):
                back = back + delta[:, u : u + 1] * W[:, u]
            delta = ACTIVATIONS[layers[number - 1].activation][1](back, A)
    return gradients


def layers_of(arrays: Any, biases: Any, activations: Any, scales: Any) -> list[Layer]:
    """Layers of W1, b1, ..., WL, bL, where no b is given for those without biases."""
    rest = iter(arrays)
    return [
        Layer(next(rest), next(rest) if has_bias else None, activation, scale)
        for has_bias, activation, scale in zip(biases, activations, scales, strict=True)
    ]
