"""The same training in NumPy."""

from typing import Any

import numpy as np

from benchmarks.peers.formulas import Formulas, samples_first
from fastxor.benchmarking.cases import Case, Training
from fastxor.common.checks import Array


def variants(case: Case, epochs: int) -> dict[str, Training]:
    """The formulas as one would write them, and without any new array in the loop."""
    T = np.dtype(case.dtype).type
    batches, rate, start = case.batches(), T(case.learning_rate), case.start.arrays
    formulas = Formulas(case, np, samples_first(np.dot))

    def plain() -> Array:
        parameters, losses = [array.copy() for array in start], np.zeros(epochs, T)
        for epoch in range(epochs):
            for X, y in batches:
                gradients, loss = formulas.gradients(parameters, X, y)
                losses[epoch] += loss
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter -= rate * gradient
        return losses / T(case.terms)

    work = [(*_buffers(case, X, T), y) for X, y in batches]
    network = case.architecture

    def in_place() -> Array:
        layers = [
            np.vstack([W] if b is None else [W, b]) for W, b, *_ in formulas.layers(list(start))
        ]
        transposed = [W[:I].T for W, I in zip(layers, network.sizes, strict=False)]
        steps, losses = [np.empty_like(W) for W in layers], np.zeros(epochs, T)
        last = len(layers) - 1
        hidden = [(FUNCTIONS[name], SLOPES[name]) for name in network.activations[:-1]]
        for epoch in range(epochs):
            for inputs, activations, scratch, deltas, y in work:
                for k, layer in enumerate(layers[:-1]):
                    np.dot(inputs[k], layer, scratch[k])
                    hidden[k][0](scratch[k], activations[k])
                np.dot(inputs[last], layers[last], scratch[last])
                losses[epoch] += _end(case, scratch[last], activations[last], deltas[last], y)
                for k in range(last, -1, -1):
                    if k:
                        # one output: a product of columns, faster than the general one
                        multiply = np.multiply if deltas[k].shape[1] == 1 else np.dot
                        multiply(deltas[k], transposed[k], deltas[k - 1])
                        hidden[k - 1][1](deltas[k - 1], activations[k - 1], scratch[k - 1])
                    np.dot(inputs[k].T, deltas[k], steps[k])
                for layer, step in zip(layers, steps, strict=True):
                    np.multiply(step, rate, step)
                    np.subtract(layer, step, layer)
        return losses / T(case.terms)

    return {"plain": plain, "in place": in_place}


def _buffers(case: Case, X: Array, T: Any) -> tuple[list[Array], ...]:
    """Of each layer: inputs, activations, which are part of the next inputs, sums and deltas.

    A bias is the weight of one more input, a column of ones: one product gives both gradients.
    """
    shape = len(X), case.sizes[-1]
    layers = case.architecture.layers
    inputs = [np.ones((len(X), I + has_bias), T) for I, _, _, has_bias, _ in layers]
    inputs[0][:, : X.shape[1]] = X
    activations = [array[:, :I] for array, I in zip(inputs[1:], case.sizes[1:], strict=False)] + [
        np.empty(shape, T)
    ]
    return (
        inputs,
        activations,
        *([np.empty(array.shape, T) for array in activations] for _ in range(2)),
    )


def _sigmoid(Z: Array, A: Array) -> None:
    np.negative(Z, Z)
    np.exp(Z, Z)
    np.add(Z, 1, Z)
    np.divide(1, Z, A)


def _slope_of_sigmoid(delta: Array, A: Array, scratch: Array) -> None:
    np.subtract(1, A, scratch)
    np.multiply(scratch, A, scratch)
    np.multiply(delta, scratch, delta)


def _slope_of_tanh(delta: Array, A: Array, scratch: Array) -> None:
    np.multiply(A, A, scratch)
    np.subtract(1, scratch, scratch)
    np.multiply(delta, scratch, delta)


def _slope_of_relu(delta: Array, A: Array, scratch: Array) -> None:
    np.sign(A, scratch)
    np.multiply(delta, scratch, delta)


FUNCTIONS = {  # of Z, which they may overwrite, to A
    "sigmoid": _sigmoid, "tanh": np.tanh, "relu": lambda Z, A: np.maximum(Z, 0, out=A),
    "identity": lambda Z, A: np.copyto(A, Z),
}  # fmt: skip
SLOPES = {  # multiply delta by the slope where A is the result
    "sigmoid": _slope_of_sigmoid, "tanh": _slope_of_tanh, "relu": _slope_of_relu,
    "identity": lambda delta, A, scratch: None,
}  # fmt: skip


def _end(case: Case, Z: Array, A: Array, delta: Array, y: Array) -> Any:
    """Write the derivative by Z of the outputs to ``delta``, return the sum of the loss's terms."""
    if case.output == "softmax":
        np.subtract(Z, Z.max(1, keepdims=True), Z)
        np.exp(Z, A)
        total = A.sum(1, keepdims=True)
        np.divide(A, total, A)
        np.subtract(A, y, delta)
        return np.log(total).sum() - np.vdot(Z, y)
    if case.loss == "log_loss":
        loss = (np.maximum(Z, 0) - y * Z + np.log1p(np.exp(-abs(Z)))).sum()
        _sigmoid(Z, A)
        np.subtract(A, y, delta)
        return loss
    FUNCTIONS[case.output](Z, A)
    np.subtract(A, y, delta)
    loss = np.vdot(delta, delta)
    SLOPES[case.output](delta, A, Z)
    return loss
