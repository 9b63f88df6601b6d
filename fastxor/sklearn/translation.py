"""scikit-learn's parameters in `train`'s terms."""

import warnings
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.networks.network import Network
from fastxor.runs.problem import Problem, prepare

OURS = {"logistic": "sigmoid", "tanh": "tanh", "relu": "relu", "identity": "identity"}
# samples times parameters of an epoch that pay for threads: a fit looks at its losses so often that
# these start several times a second; with fewer two take 1.2 times as long as one
SHARED_FROM = 1_000_000
THEIRS = {"learning_rate": "learning_rate_init", "l2": "alpha", "beta1": "beta_1",
          "beta2": "beta_2"}  # fmt: skip


def hidden_sizes(model: Any) -> tuple[int, ...]:
    """The units of each hidden layer."""
    sizes = model.hidden_layer_sizes
    return tuple(
        checks.integer(f"hidden_layer_sizes[{i}]", size, low=1, high=2**31 - 1)
        for i, size in enumerate(sizes if isinstance(sizes, Iterable) else [sizes])
    )


def starting_arrays(
    activation: str, sizes: tuple[int, ...], dtype: Any, random: Any
) -> tuple[list[Array], list[Array]]:
    """Weights and biases of each layer: scikit-learn's, with the same numbers from ``random``."""
    factor, coefs, intercepts = 2 if activation == "logistic" else 6, [], []
    for inputs, units in pairwise(sizes):
        bound = np.sqrt(factor / (inputs + units))
        coefs.append(random.uniform(-bound, bound, (inputs, units)).astype(dtype))
        intercepts.append(random.uniform(-bound, bound, units).astype(dtype))
    return coefs, intercepts


def network_of(
    coefs: list[Array], intercepts: list[Array], activation: str, output: str
) -> Network:
    """The network of these."""
    arrays = []
    for coef, intercept in zip(coefs, intercepts, strict=True):
        arrays += [coef, intercept[None]]
    return Network(*arrays, activation=OURS[activation], output=output)


def loss_factor(loss: str, architecture: Architecture) -> float:
    """What scikit-learn's losses are times ours, which are means over outputs."""
    if loss == "mse":
        return 0.5
    return float(architecture.sizes[-1]) if architecture.output == "sigmoid" else 1.0


def problem_of(
    model: Any, start: Network, loss: str, rate: float, X: Array, y: Array,
    weights: Array | None, random: Any,
) -> Problem:  # fmt: skip
    """That of the next epoch of a ``model``, from ``start``; ``random`` gives it a seed.

    scikit-learn's gradients and penalties are means over the samples of a batch, or over the sum of
    their weights. Weights (n,) with a mean of 1 make these the same for a batch of all samples.
    """
    l2 = float(model.alpha)
    if weights is not None:
        if not 0 < (mean := float(weights.mean())) < np.inf:
            raise ValueError(f"sample_weight must have a finite sum above 0, got a mean of {mean}")
        weights, l2 = weights / mean, float(l2 / np.float64(mean))
    batch_size = _batch_size(model, len(X))
    shuffle = model.shuffle and batch_size < len(X)  # one of all has the same sums, but rounded
    threads = model.threads
    if len(X) * start.architecture.parameters < SHARED_FROM:
        threads = 1
    optimizer = {"momentum": model.momentum, "nesterov": model.nesterovs_momentum}
    if model.solver == "adam":
        optimizer = {
            "momentum": 0.0, "nesterov": False, "beta1": model.beta_1, "beta2": model.beta_2,
            "epsilon": model.epsilon,
        }  # fmt: skip
    try:
        return prepare(X, y, weights, None, start, threads, optimizer | {
            "optimizer": model.solver, "learning_rate": rate, "l2": l2, "loss": loss,
            "batch_size": batch_size, "shuffle": shuffle,
            "seed": random.randint(2**32, dtype=np.uint32) if shuffle else 0,
            "reduction": "mean", "record_penalty": l2 > 0, "epochs": 1,
            # what the network has
            "hidden_size": None, "activation": None, "output": None, "bias": None, "dtype": None,
            "init": "randn", "init_range": None, "schedule": None, "snapshots": None,
            "tolerance": None, "stop_when_solved": False,
        })  # fmt: skip
    except ValueError as error:  # of numbers that are none in float32
        name, _, rest = str(error).partition(" ")
        raise ValueError(f"{THEIRS.get(name, name)} {rest}") from None


def _batch_size(model: Any, n: int) -> int:
    if model.batch_size == "auto":
        return min(200, n)
    if model.batch_size > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=8,
        )
    return int(model.batch_size)
