"""The losses of the contract, as terms (n, k) whose sum over T(n * k) is the loss.

For squared errors and for the log loss of sigmoids k is the number of outputs O, for that of a
softmax it is 1.
"""

from typing import Any

import numpy as np

from fastxor.contract.functions import Array, exp, log, log1p, softmax_terms
from fastxor.contract.sums import sample_sum


def squared_error(y: Array, A: Array) -> Array:
    error = A - y
    return error * error


def log_loss_of_sigmoid(y: Array, Z: Array) -> Array:
    """-(y * log(A) + (1 - y) * log(1 - A)), without a logarithm of A, which may be 0 or 1."""
    above_zero = np.where(Z < 0, Z.dtype.type(0), Z)
    return (above_zero - y * Z) + log1p(exp(-abs(Z)))


def log_loss_of_softmax(y: Array, Z: Array) -> Array:
    """-(y0 * log(A0) + y1 * log(A1) + ...), for y that sum to 1."""
    shifted, _, total = softmax_terms(Z)
    target = y[:, :1] * shifted[:, :1]
    for o in range(1, y.shape[1]):
        target = target + y[:, o : o + 1] * shifted[:, o : o + 1]
    return log(total) - target


def loss_terms(y: Array, A: Array, Z: Array, output: str, loss: str) -> Array:
    """The terms (n, k) of ``loss``; A and Z (n, O) of the outputs."""
    if loss == "mse":
        return squared_error(y, A)
    return (log_loss_of_softmax if output == "softmax" else log_loss_of_sigmoid)(y, Z)


def total(terms: Array) -> Any:
    """The sum over samples of each column, and of these in order."""
    sums = sample_sum(terms)
    result = sums[0]
    for column in range(1, len(sums)):
        result = result + sums[column]
    return result
