"""Outputs of networks for samples."""

from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.checks import Array
from fastxor.contract.passes import forward_propagation


@ieee_arithmetic()
def outputs_of(arrays: tuple[Array, ...], X: Any) -> Array:
    """The outputs (k, n, O) of k networks, W1 (k, I, H) and so on, for the samples X (n, I)."""
    W1, W2 = arrays[0], arrays[2]
    count, inputs, hidden = W1.shape
    X = checks.numbers("X", X)
    if X.shape[1] != inputs:
        raise ValueError(f"X must have {inputs} columns, got shape {X.shape}")
    checks.finite("X", X, W1.dtype.type)
    outputs = np.empty((count, len(X), W2.shape[2]), W1.dtype)
    rows = min(len(X), 4096)
    networks = max(1, 1_000_000 // (rows * hidden))
    # neither samples nor networks see the others: some at a time take little memory
    for first in range(0, count, networks):
        some = slice(first, first + networks)
        for start in range(0, len(X), rows):
            samples = X[start : start + rows].astype(W1.dtype)
            A2 = forward_propagation(samples, *(array[some] for array in arrays))[1]
            outputs[some, start : start + rows] = A2
    return outputs
