"""`train`: checks, slices of some 50 ms for the kernel, and what came of them."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fastxor.checks import Array
from fastxor.network import Network
from fastxor.progress import progress_bar
from fastxor.runs import Diverged, Interrupted, Problem, Run, losses_of, prepare

SLICE = 0.05  # seconds in the kernel between two looks at Ctrl-C and the progress bar
FIRST_SLICE = 0.01  # likewise, as long as the speed is only a guess


def train(
    X: Any,
    y: Any,
    *,
    hidden_size: int | None = None,
    epochs: int = 10_000,
    learning_rate: float = 0.1,
    momentum: float = 0.0,
    seed: int = 42,
    initial: Any = None,
    dtype: Any = None,
    progress: bool = False,
) -> Run:
    """Train a network with one hidden layer of sigmoids by full-batch gradient descent.

    The loss is the mean squared error; the gradients are sums over the samples, as in the
    tutorial, so the learning rate counts per sample. `fastxor.reference.train` takes the
    same arguments and returns the same bits.

    X: samples (n, I), any array-like of real numbers, integers or booleans. Not changed.
    y: targets (n, O) or (n,).
    hidden_size: hidden units H; by default 2, or those of `initial`.
    epochs: how often to go through all samples; 0 gives the starting network.
    learning_rate, momentum: an update is momentum * the last one + learning_rate * gradient.
    seed: of the starting weights, as ``np.random.seed(seed)`` in the tutorial; 0 to 2**32 - 1.
    initial: start from this instead: a `Network`, a `Run` or arrays (W1, b1, W2, b2). With the
        settings of before, a run goes on bit for bit as if it had never stopped; what momentum
        carries from update to update is part of its network.
    dtype: "float64" or "float32"; by default float64, or that of an `initial` network.
    progress: show a progress bar on standard error.

    Raises ValueError or TypeError, before any work, for bad input; `Diverged` when training
    leaves the finite numbers; `Interrupted`, a KeyboardInterrupt, on Ctrl-C. The last two
    carry the unfinished run.
    """
    problem = prepare(
        X, y, hidden_size=hidden_size, epochs=epochs, learning_rate=learning_rate,
        momentum=momentum, seed=seed, initial=initial, dtype=dtype,
    )  # fmt: skip
    job = _Job(problem)
    try:
        with progress_bar(problem.settings.epochs, progress) as report:
            job.finish(report)
        return job.run()
    except KeyboardInterrupt:
        raise Interrupted(job.run()) from None


class _Job:
    """A run in progress.

    The kernel works on arrays that may be anything when Ctrl-C is pressed. What counts is
    ``good``, the last state that was looked at and found finite, replaced at once.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem, start = problem, problem.start
        self.n, self.dtype = len(problem.X), start.dtype
        self.parameters = _flat(start.arrays)
        self.velocity = _flat(start.velocity or [np.zeros_like(a) for a in start.arrays])
        self.totals = np.zeros(self.parameters.size + start.sizes[2], self.dtype)
        self.position = np.zeros(2, np.int64)  # epochs done, chunks done of the next
        self.losses = losses_of(problem.settings.epochs, self.dtype)
        self.good = 0, self.parameters.copy(), self.velocity.copy()  # after so many epochs

    def finish(self, report: Callable[[int], None]) -> None:
        """Train to the end in slices; ``report`` the epochs done after each."""
        # here and not at the top: numba takes half a second to import, and who asks for help,
        # makes a mistake or uses the reference alone need not wait for it
        from fastxor.kernels import kernel_for

        settings = self.problem.settings
        kernel = kernel_for(self.dtype, *self.problem.start.sizes, self.n, settings.momentum != 0)
        X, y = (
            _samples_last(a, kernel.width, self.dtype) for a in (self.problem.X, self.problem.y)
        )
        work = np.empty(kernel.work, self.dtype)
        rate, momentum = self.dtype(settings.learning_rate), self.dtype(settings.momentum)
        chunks_per_epoch = -(-self.n // kernel.chunk)

        def chunks_until(epoch: int) -> int:
            return int((epoch - self.position[0]) * chunks_per_epoch - self.position[1])

        def run_kernel(chunks: int) -> bool:
            """Is all finite after so many more chunks?"""
            kernel.run(
                X, y, self.n, self.parameters, self.velocity, self.totals, work, self.losses,
                self.position, rate, momentum, chunks,
            )  # fmt: skip
            return self._keep_if_finite()

        guess = 30e-9 + 1e-9 * min(self.n, kernel.chunk) * self.parameters.size  # seconds a chunk
        chunks = max(1, int(FIRST_SLICE / guess))
        while left := chunks_until(settings.epochs):
            chunks = min(chunks, left)
            began = time.perf_counter()
            if not run_kernel(chunks):
                epoch = self._last_finite(lambda epoch: run_kernel(chunks_until(epoch)))
                raise Diverged(epoch, self.run())
            seconds = time.perf_counter() - began
            report(self.good[0])
            chunks = max(1, int(chunks * min(8, SLICE / max(seconds, 1e-6))))

    def run(self) -> Run:
        """What is done so far."""
        epoch, parameters, velocity = self.good
        network = Network(*_unflat(parameters, self.problem.start))
        if self.problem.start.velocity:
            velocity = velocity + self.dtype(0)  # no -0.0 (contract, 4)
            network.velocity = _unflat(velocity, self.problem.start)
        return Run(network, self.losses[:epoch], self.problem.settings)

    def _keep_if_finite(self) -> bool:
        """Are the parameters and the new losses finite? Then they are the good state."""
        epoch = int(self.position[0])
        losses = self.losses[self.good[0] : epoch]
        # the largest of squares is infinite or NaN if any is
        largest = losses.max() if losses.size else 0
        if not (np.isfinite(largest) and np.isfinite(self.parameters).all()):
            return False
        self.good = epoch, self.parameters.copy(), self.velocity.copy()
        return True

    def _last_finite(self, run_until: Callable[[int], bool]) -> int:
        """Find the last epoch before which all was finite, and make it the good state.

        A parameter that is infinite or NaN stays so, and a loss is remembered: halving the
        distance between the good state and now finds it.
        """
        high = int(self.position[0])
        while high - self.good[0] > 1:
            low, self.parameters[:], self.velocity[:] = self.good
            self.position[:] = low, 0
            self.totals[:] = 0
            middle = (low + high) // 2
            if not run_until(middle):
                high = middle
        return self.good[0]


def _flat(arrays: Any) -> Array:
    """W1, b1, W2, b2 as the kernels' vector: W2 column by column."""
    W1, b1, W2, b2 = arrays
    return np.concatenate([W1.ravel(), b1.ravel(), W2.T.ravel(), b2.ravel()])


def _unflat(vector: Array, like: Network) -> tuple[Array, ...]:
    """W1, b1, W2, b2 from the kernels' vector."""
    I, H, O = like.sizes
    W1, b1, W2, b2 = np.split(vector, np.cumsum([I * H, H, H * O]))
    return W1.reshape(I, H), b1.reshape(1, H), W2.reshape(O, H).T, b2.reshape(1, O)


def _samples_last(array: Array, multiple: int, dtype: Any) -> Array:
    """(n, k) as k rows of samples, one after another, each padded with zeros."""
    n, k = array.shape
    rows = np.zeros((k, -(-n // multiple) * multiple), dtype)
    rows[:, :n] = array.T
    return rows.ravel()
