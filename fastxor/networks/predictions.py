"""Outputs of networks for samples."""

from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.checks import Array
from fastxor.contract.passes import forward_propagation, layers_of
from fastxor.networks.architecture import Architecture


@ieee_arithmetic()
def outputs_of(arrays: Any, architecture: Architecture, X: Any) -> Array:
    """The outputs (k, n, O) of k networks, W1 (k, I, H) and so on, for the samples X (n, I)."""
    (count, inputs, _), T = arrays[0].shape, arrays[0].dtype
    X = checks.numbers("X", X)
    if X.shape[1] != inputs:
        raise ValueError(f"X must have {inputs} columns, got shape {X.shape}")
    checks.finite("X", X, T.type)
    outputs = np.empty((count, len(X), architecture.sizes[-1]), T)
    rows = min(len(X), 4096)
    networks = max(1, 1_000_000 // (rows * max(architecture.sizes[1:])))
    # neither samples nor networks see the others: some at a time take little memory
    for first in range(0, count, networks):
        some = slice(first, first + networks)
        layers = layers_of(
            (array[some] for array in arrays), architecture.biases, architecture.activations
        )
        for start in range(0, len(X), rows):
            samples = X[start : start + rows].astype(T)
            activations, _ = forward_propagation(samples, layers)
            outputs[some, start : start + rows] = activations[-1]
    return outputs


def classes_of(outputs: Array, output: str) -> Array:
    """What networks with these outputs (..., O) say, see `Network.predict`."""
    if output == "sigmoid":
        return (outputs > 0.5).astype(int)
    if output == "softmax":
        classes: Array = np.eye(outputs.shape[-1], dtype=int)[outputs.argmax(axis=-1)]
        return classes
    return outputs
