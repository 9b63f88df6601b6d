"""The boundary of trainability: does training converge, and how far is it from where it does not?

The measure and the maps are those of J. Sohl-Dickstein, "The boundary of neural network
trainability is fractal" (2024, arXiv 2402.06184).
"""

from typing import Any

import numpy as np

from fastxor.common.checks import Array
from fastxor.maps.axes import Axis
from fastxor.maps.map import Map

CAP = 1e6  # of a loss, in units of the first
LAST = 20  # losses whose mean decides


def convergence(losses: Array) -> Array:
    """Of losses (k, epochs), a number for each network, (k,): negative where training converges.

    With v = loss / the first loss, at most 1e6, and 1e6 where that is no number: training converges
    if the mean of the last 20 is below 1. Then it is -(the sum of v), else the sum of 1 / v, each
    from epoch to epoch, in float64: the smaller it is, the sooner that was clear.
    """
    with np.errstate(all="ignore"):
        v = np.ascontiguousarray(losses.T, np.float64)
        first = v[0].copy()
        v /= first
        v[~(v <= CAP)] = CAP
        total, inverse, last = np.zeros((3, len(first)))
        for row in v:  # in order, as `np.sum` has one of its own
            total += row
            inverse += 1 / row
        for row in v[-LAST:]:
            last += row
        return np.where(last < min(LAST, len(v)), -total, inverse)


def box_counting_dimension(converged: Array) -> float:
    """That of the boundary between True and False in a map (rows, columns); NaN without any.

    Pixels at the boundary are those whose neighbour to the right or above is another. Boxes of 1,
    2, 4, ... pixels a side, up to an eighth of the shorter side, are counted in which there is one;
    the dimension is minus the slope of the line of least squares through log(count) over log(side).
    """
    converged = np.asarray(converged, bool)
    if converged.ndim != 2 or min(converged.shape) < 16:
        expected = "shape (rows, columns), at least 16 each"
        raise ValueError(f"converged must have {expected}, got {converged.shape}")
    edge = np.zeros(converged.shape, bool)
    edge[:, :-1] |= converged[:, :-1] != converged[:, 1:]
    edge[:-1] |= converged[:-1] != converged[1:]
    if not edge.any():
        return float("nan")
    sides = 2 ** np.arange(int(np.log2(min(converged.shape) // 8)) + 1)
    counts = [_boxes(edge, int(side)) for side in sides]
    return -float(np.polyfit(np.log(sides), np.log(counts), 1)[0])


def _boxes(edge: Array, side: int) -> int:
    """How many boxes of so many pixels a side have one of the edge."""
    rows, columns = edge.shape
    padded = np.pad(edge, ((0, -rows % side), (0, -columns % side)))
    boxes = padded.reshape(len(padded) // side, side, -1, side)
    return int(boxes.any(axis=(1, 3)).sum())


def _fractals() -> dict[str, Map]:
    """16-16-1 without biases, in the paper's parametrisation.

    There, sums are scaled by s: with weights s * W and rates s * s * rate, they are the same
    networks, ours. Its loss is a mean of squares, whose gradient is twice that of the halves here.
    """
    n, random = 16, np.random.RandomState(0)
    # to a millionth, as the last bits of randn are those of the C library's logarithm
    samples, targets = (np.round(random.randn(n * (n + 1), k), 6) for k in (n, 1))
    W1, W2 = (np.round(random.randn(n, k), 6) for k in (n, 1))

    def of(name: str, squared: float, y: Axis, m: int = n * (n + 1), **settings: Any) -> Map:
        """``squared``: the square of the scale of hidden sums."""
        common = {
            "hidden_size": n, "activation": "tanh", "output": "identity", "bias": False,
            "epochs": 500, "learning_rate": 1.0, "reduction": "mean",
            "layer_rates": (2 * squared, 2 / n**2),
        }  # fmt: skip
        weights = np.sqrt(squared) * W1, None, W2 / n, None
        x = Axis("learning_rate1", 1e-3, 1e6, log=True)
        if name == "offset":
            del common["learning_rate"]
            x, y = Axis("W1", -3.0, 3.0), Axis("learning_rate", 1e-3, 1e6, log=True)
        return Map(
            (samples[:m], targets[:m]), x, y, weights, common | settings,
            f"Sohl-Dickstein (2024), {name}", convergence,
        )  # fmt: skip

    rates = Axis("learning_rate2", 1e-3, 1e6, log=True)
    return {
        "tanh": of("tanh", 2 / n, rates),
        "relu": of("relu", 2 / n, rates, activation="relu"),
        "identity": of("identity", 1 / n, rates, activation="identity"),
        "minibatch": of("minibatch", 2 / n, rates, batch_size=n),
        "single": of("single", 2 / n, rates, m=1),
        "offset": of("offset", 2 / n, rates),
    }


FRACTALS = _fractals()
"""Maps of Sohl-Dickstein: of three hidden functions, by minibatches, of a single sample, and over
an offset of the first layer's starting weights."""
