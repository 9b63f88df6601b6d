"""Forward pass, loss and backward pass, in the order of the contract."""

from typing import Any

import numpy as np

from fastxor.contract.functions import Array, sigmoid, sigmoid_derivative
from fastxor.contract.sums import sample_sum

Arrays = tuple[Array, Array, Array, Array]  # W1, b1, W2, b2 or what belongs to each of them


def forward_propagation(
    X: Array, W1: Array, b1: Array, W2: Array, b2: Array
) -> tuple[Array, Array]:
    """The activations A1 (n, H) of the hidden units and A2 (n, O) of the outputs.

    Parameters may be stacked: with further dimensions in front, which the activations have then.
    """
    Z1 = b1 + X[:, :1] * W1[..., :1, :]
    for i in range(1, W1.shape[-2]):
        Z1 = Z1 + X[:, i : i + 1] * W1[..., i : i + 1, :]
    A1 = sigmoid(Z1)
    Z2 = b2 + A1[..., :1] * W2[..., :1, :]
    for h in range(1, W2.shape[-2]):
        Z2 = Z2 + A1[..., h : h + 1] * W2[..., h : h + 1, :]
    return A1, sigmoid(Z2)


def squared_error(y: Array, A2: Array) -> Any:
    """The sum of the squared errors over all entries."""
    error = A2 - y
    sums = sample_sum(error * error)
    total = sums[0]
    for o in range(1, len(sums)):
        total = total + sums[o]
    return total


def backward_propagation(X: Array, y: Array, A1: Array, A2: Array, W2: Array) -> Arrays:
    """The gradients of W1, b1, W2, b2: sums over the samples, of n * O / 2 times the loss."""
    delta2 = (A2 - y) * sigmoid_derivative(A2)  # (n, O)
    back = delta2[:, :1] * W2[:, 0]  # (n, H)
    for o in range(1, W2.shape[1]):
        back = back + delta2[:, o : o + 1] * W2[:, o]
    delta1 = back * sigmoid_derivative(A1)
    return (
        np.stack([sample_sum(X[:, i : i + 1] * delta1) for i in range(X.shape[1])]),
        sample_sum(delta1)[None],
        np.stack([sample_sum(A1[:, h : h + 1] * delta2) for h in range(A1.shape[1])]),
        sample_sum(delta2)[None],
    )
