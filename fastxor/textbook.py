"""The tutorial's own code, without its globals: the baseline that everybody knows.

BLAS and np.exp decide its last bits, so they differ between machines; the reference stays
within rounding of it.
"""

from typing import Any

import numpy as np

from fastxor.common.checks import Array


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def sigmoid_derivative(x: Array) -> Array:
    return x * (1 - x)


def forward_propagation(
    X: Array, W1: Array, b1: Array, W2: Array, b2: Array
) -> tuple[Array, Array]:
    Z1 = np.dot(X, W1) + b1
    A1 = sigmoid(Z1)
    Z2 = np.dot(A1, W2) + b2
    A2 = sigmoid(Z2)
    return A1, A2


def compute_loss(y: Array, A2: Array) -> Any:
    return np.mean((y - A2) ** 2)


def backward_propagation(
    X: Array, y: Array, A1: Array, A2: Array, W2: Array
) -> tuple[Array, Array, Array, Array]:
    delta2 = (A2 - y) * sigmoid_derivative(A2)
    delta1 = np.dot(delta2, W2.T) * sigmoid_derivative(A1)
    dW2 = np.dot(A1.T, delta2)
    db2 = np.sum(delta2, axis=0, keepdims=True)
    dW1 = np.dot(X.T, delta1)
    db1 = np.sum(delta1, axis=0, keepdims=True)
    return dW1, db1, dW2, db2


def train(
    X: Array,
    y: Array,
    parameters: tuple[Array, Array, Array, Array],
    *,
    epochs: int = 10_000,
    learning_rate: float = 0.1,
) -> tuple[tuple[Array, Array, Array, Array], list[Any]]:
    """Train from ``parameters`` (W1, b1, W2, b2) on X (n, I) and y (n, O).

    Returns the new parameters and the loss of every epoch. Nothing is checked.
    """
    W1, b1, W2, b2 = parameters
    losses = []
    for _ in range(epochs):
        A1, A2 = forward_propagation(X, W1, b1, W2, b2)
        losses.append(compute_loss(y, A2))
        dW1, db1, dW2, db2 = backward_propagation(X, y, A1, A2, W2)
        W2 = W2 - learning_rate * dW2
        b2 = b2 - learning_rate * db2
        W1 = W1 - learning_rate * dW1
        b1 = b1 - learning_rate * db1
    return (W1, b1, W2, b2), losses
