"""The reference: training in plain NumPy, in exactly the order that every engine follows.

This module is the contract, version 1. Whatever trains the same network from the same
start ends with the same bits, on every machine, if it does the following.

1. T is float64 or float32; data, learning rate and momentum are converted to T once.
   Arithmetic is IEEE-754 in T, rounded to nearest even, with subnormal numbers: no fused
   multiply-add unless its product is exact, nothing reassociated. Only + - * / and powers of
   two are used: np.exp, np.dot and np.sum give other bits on other machines.
2. sigmoid(z) = 1 / (1 + exp(-z)) is one fraction, see `sigmoid`.
3. Sums over inputs, hidden units and outputs go in index order, from the bias where there
   is one, else from the first term: `forward_propagation`, `backward_propagation`.
4. Sums over samples, `sample_sum`, have eight lanes in blocks of 1024 samples. So they can
   be computed by SIMD instructions of any width, and by threads, to the same bits. Samples
   may be padded by any whose terms are zero. No such sum is -0.0; an engine that starts a
   lane from its first term may get -0.0 for 0.0, which reaches no loss and no parameter:
   starting parameters hold no -0.0, and a velocity that is handed out has 0.0 added.
5. A batch is a slice of batch_size samples, the next ones in the epoch's order; an epoch's last
   batch may be shorter. The order is that of the data or, with shuffling, a new one for each
   epoch: `permutation(n)` of one `numpy.random.default_rng(seed)`, called once an epoch.
6. The squared error of a batch, with the parameters before its update, is the sum over outputs
   of sample_sum(error * error): `squared_error`. The loss of an epoch is the sum of its batches'
   squared errors, in order, over T(n * O).
7. The update is velocity = momentum * velocity + learning_rate * gradient, then
   parameter = parameter - velocity. Without momentum, parameter - learning_rate * gradient.
8. An epoch in which the loss or a new parameter is not finite ends training; the network
   before it is the last. The bits of NaN are not covered, so NaN must stay NaN until then.
9. An epoch is solved if abs(A2 - y) < tolerance for all its samples, each before its batch's
   update. Training that stops there ends before that epoch, but keeps its loss, which is finite.

Deliberately absent: speed, and code shared with the kernels. Shapes: n samples, I inputs, H
hidden units, O outputs; X (n, I), y (n, O), W1 (I, H), b1 (1, H), W2 (H, O), b2 (1, O).
"""

import copy
from typing import Any

import numpy as np

from fastxor import checks
from fastxor.arithmetic import ieee_arithmetic
from fastxor.checks import Array
from fastxor.network import Network
from fastxor.progress import progress_bar
from fastxor.runs import Diverged, Interrupted, Run, losses_of, prepare

CONTRACT = 1  # its version
Arrays = tuple[Array, Array, Array, Array]  # W1, b1, W2, b2 or what belongs to each of them


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)) of float64 or float32 numbers, within 3 ulp; NaN stays NaN.

    x = -z, clamped to where exp is neither 0 nor infinite, is k * ln(2) + r with an integer k
    and |r| <= ln(2) / 2, so exp(x) = 2**k * exp(r). exp(r) = (even + odd) / (even - odd) is
    the Pade approximant [6/6] (float32: [3/3]; G. A. Baker, Essentials of Pade Approximants,
    1975), which is off by 2e-19 (6e-9). Written as one fraction it takes one division.
    ln(2) is split in two (W. J. Cody and W. Waite, Software Manual for the Elementary
    Functions, 1980), so that k times the first part is exact.
    """
    T = z.dtype.type
    if T is np.float64:
        x = np.clip(-z, -708.0, 709.0)
        k = np.rint(x * 1.4426950408889634)
        ln2_hi, ln2_lo = (
            float.fromhex("0x1.62e42fee00000p-1"),
            float.fromhex("0x1.a39ef35793c76p-33"),
        )
        r = (x - k * ln2_hi) - k * ln2_lo
        r2 = r * r
        r4 = r2 * r2
        even = (1.0 + r2 * (5 / 44)) + r4 * (1 / 792 + r2 * (1 / 665280))
        odd = r * ((1 / 2 + r2 * (1 / 66)) + r4 * (1 / 15840))
    else:
        x = np.clip(-z, T(-87), T(88))
        k = np.rint(x * T(1.4426950408889634))
        r = (x - k * T(0.693359375)) - k * T(-2.12194440e-4)
        r2 = r * r
        even = T(1) + r2 * T(1 / 10)
        odd = r * (T(1 / 2) + r2 * T(1 / 120))
    below = even - odd
    with np.errstate(invalid="ignore"):  # NaN has no integer; ldexp keeps it NaN
        above = np.ldexp(even + odd, k.astype(np.int32))
    return below / (below + above)


def sigmoid_derivative(a: Array) -> Array:
    """The derivative of the sigmoid where its value is ``a``."""
    return a * (a.dtype.type(1) - a)


def sample_sum(terms: Array) -> Array:
    """The sum of ``terms`` (n, ...) over the samples: shape (...).

    In a block of 1024, sample j is added to lane j mod 8, each lane in order from +0.0; then
    ((l0+l4)+(l2+l6)) + ((l1+l5)+(l3+l7)). The totals of the blocks are added in order.
    """
    total = np.zeros(terms.shape[1:], terms.dtype)
    for block in range(0, len(terms), 1024):
        lanes = np.zeros((8, *terms.shape[1:]), terms.dtype)
        for row in range(block, min(block + 1024, len(terms)), 8):
            samples = terms[row : min(row + 8, block + 1024)]
            lanes[: len(samples)] += samples
        while len(lanes) > 1:
            half = len(lanes) // 2
            lanes = lanes[:half] + lanes[half:]
        total = total + lanes[0]
    return total


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


@ieee_arithmetic()
def train(
    X: Any,
    y: Any,
    *,
    hidden_size: int | None = None,
    epochs: int = 10_000,
    learning_rate: float = 0.1,
    momentum: float = 0.0,
    batch_size: int | None = None,
    shuffle: bool = False,
    threads: int | None = None,
    seed: int = 42,
    init: str = "randn",
    init_range: float | None = None,
    initial: Any = None,
    dtype: Any = None,
    tolerance: float | None = None,
    stop_when_solved: bool = False,
    progress: bool = False,
) -> Run:
    """Train by gradient descent: arguments, result and errors as `fastxor.train`.

    ``threads`` is only checked.
    """
    progress = checks.boolean("progress", progress)
    problem = prepare(
        X, y, hidden_size=hidden_size, epochs=epochs, learning_rate=learning_rate,
        momentum=momentum, batch_size=batch_size, shuffle=shuffle, threads=threads, seed=seed,
        init=init, init_range=init_range, initial=initial, dtype=dtype, tolerance=tolerance,
        stop_when_solved=stop_when_solved,
    )  # fmt: skip
    settings, start, T = problem.settings, problem.start, problem.start.dtype
    X, y = problem.X.astype(T), problem.y.astype(T)
    rate, inertia = T(settings.learning_rate), T(settings.momentum)
    losses = losses_of(settings.epochs, T)
    tolerance = None if settings.tolerance is None else T(settings.tolerance)
    # changes at once, also on Ctrl-C
    state = 0, start.arrays, start.velocity, start.generator, None if tolerance is None else -1

    def run_so_far() -> Run:
        epoch, parameters, velocity, generator, solved_at = state
        handed_out = velocity and tuple(v + T(0) for v in velocity)
        network = Network(*parameters, velocity=handed_out, generator=generator)
        stopped = settings.stop_when_solved and solved_at == epoch
        return Run(network, losses[: epoch + stopped], settings, solved_at)

    try:
        with progress_bar(settings.epochs, progress) as report:
            for epoch in range(settings.epochs):
                _, parameters, velocity, generator, solved_at = state
                order = np.arange(len(X))
                if generator:
                    generator = copy.deepcopy(generator)
                    order = generator.permutation(len(X))
                error, solved = T(0), tolerance is not None
                for first in range(0, len(X), problem.batch_size):
                    batch = order[first : first + problem.batch_size]
                    A1, A2 = forward_propagation(X[batch], *parameters)
                    error = error + squared_error(y[batch], A2)
                    solved = solved and bool((abs(A2 - y[batch]) < tolerance).all())
                    gradients = backward_propagation(X[batch], y[batch], A1, A2, parameters[2])
                    steps = tuple(rate * gradient for gradient in gradients)
                    if velocity:
                        steps = velocity = tuple(
                            inertia * v + step for v, step in zip(velocity, steps, strict=True)
                        )
                    parameters = tuple(w - step for w, step in zip(parameters, steps, strict=True))
                loss = error / T(y.size)
                if solved and solved_at == -1:
                    solved_at = epoch
                    if settings.stop_when_solved and np.isfinite(loss):
                        losses[epoch] = loss
                        state = *state[:4], solved_at
                        break
                if not all(np.isfinite(array).all() for array in (loss, *parameters)):
                    raise Diverged(epoch, run_so_far())
                losses[epoch] = loss
                state = epoch + 1, parameters, velocity, generator, solved_at
                report(epoch + 1)
        return run_so_far()
    except KeyboardInterrupt:
        raise Interrupted(run_so_far()) from None
