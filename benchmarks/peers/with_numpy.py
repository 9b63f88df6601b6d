"""The same training in NumPy."""

import numpy as np

from benchmarks.peers.formulas import gradients_by_hand
from fastxor.benchmarking.cases import Case, Training
from fastxor.common.checks import Array


def variants(case: Case, epochs: int) -> dict[str, Training]:
    """The formulas as one would write them, and without any new array in the loop."""
    _, H, O = case.sizes
    T = np.dtype(case.dtype).type
    batches, rate, start = case.batches(), T(case.learning_rate), case.start.arrays

    def sigmoid(z: Array) -> Array:
        return 1 / (1 + np.exp(-z))

    def plain() -> Array:
        parameters, losses = [array.copy() for array in start], np.zeros(epochs, T)
        for epoch in range(epochs):
            for X, y in batches:
                gradients, error = gradients_by_hand(sigmoid, np.dot, parameters, X, y)
                losses[epoch] += error
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter -= rate * gradient
        return losses / T(case.n * O)

    # A bias is the weight of one more input, a column of ones: one product gives both gradients.
    buffers = {
        B: [np.ones((B, columns), T) for columns in (H, H + 1, H, O, O, O)]
        for B in {len(X) for X, _ in batches}
    }
    work = [(np.hstack([X, np.ones((len(X), 1), T)]), y, *buffers[len(X)]) for X, y in batches]

    def in_place() -> Array:
        layer1, layer2 = np.vstack(start[:2]), np.vstack(start[2:])
        W2_T, step1, step2 = layer2[:H].T, np.empty_like(layer1), np.empty_like(layer2)
        losses, one = np.zeros(epochs, T), T(1)
        for epoch in range(epochs):
            for X, y, Z1, inputs2, delta1, A2, slope2, delta2 in work:
                A1 = inputs2[:, :H]
                for inputs, layer, Z, A in (X, layer1, Z1, A1), (inputs2, layer2, A2, A2):
                    np.dot(inputs, layer, Z)
                    np.negative(Z, Z)
                    np.exp(Z, Z)
                    np.add(Z, one, Z)
                    np.divide(one, Z, A)
                np.subtract(A2, y, delta2)
                losses[epoch] += np.vdot(delta2, delta2)
                np.subtract(one, A2, slope2)
                np.multiply(slope2, A2, slope2)
                np.multiply(delta2, slope2, delta2)
                np.subtract(one, A1, Z1)
                np.multiply(Z1, A1, Z1)
                # one output: a product of columns, which is faster than the general one
                (np.multiply if O == 1 else np.dot)(delta2, W2_T, delta1)
                np.multiply(delta1, Z1, delta1)
                np.dot(inputs2.T, delta2, step2)
                np.dot(X.T, delta1, step1)
                for layer, step in (layer2, step2), (layer1, step1):
                    np.multiply(step, rate, step)
                    np.subtract(layer, step, layer)
        return losses / T(case.n * O)

    return {"plain": plain, "in place": in_place}
