"""The formulas, in the terms of any framework."""

from typing import Any


def gradients_by_hand(
    sigmoid: Any, product: Any, parameters: Any, X: Any, y: Any
) -> tuple[tuple[Any, ...], Any]:
    """The gradients of W1, b1, W2, b2 and the squared error of a batch X (B, I), y (B, O)."""
    W1, b1, W2, b2 = parameters
    A1 = sigmoid(product(X, W1) + b1)
    A2 = sigmoid(product(A1, W2) + b2)
    error = A2 - y
    delta2 = error * (A2 * (1 - A2))
    delta1 = product(delta2, W2.T) * (A1 * (1 - A1))
    db1, db2 = delta1.sum(0)[None], delta2.sum(0)[None]
    return (product(X.T, delta1), db1, product(A1.T, delta2), db2), (error * error).sum()
