"""`Engine`: a kernel, the arrays that it works on and the threads that it runs in.

It begins with a general kernel and goes on with a special one where that is there.
"""

from typing import Any

import numpy as np

from fastxor.common.checks import Array
from fastxor.common.cores import cores
from fastxor.common.generators import state_of, with_state
from fastxor.common.threads import Threads
from fastxor.kernels.choice import special_kernel
from fastxor.kernels.compiling import (
    ALONE,
    BLOCKS,
    CLAIMED,
    DONE,
    FINISHED,
    MISSED,
    OFF,
    PAIR,
    QUIT,
    SOLVED,
    STOP,
    UPDATED,
    WATCH,
    Kernel,
)
from fastxor.kernels.faster import faster
from fastxor.kernels.order import addresses_of
from fastxor.kernels.sums import BLOCK
from fastxor.kernels.tiled import general_batch
from fastxor.kernels.tiled_plan import LARGEST_BLOCK
from fastxor.networks.network import Network
from fastxor.runs.problem import Problem
from fastxor.runs.settings import Settings
from fastxor.training.layout import by_column, by_sample, stride_for, zeros

# Samples times parameters of a batch that pay for threads: one ends with threads waiting for each
# other, a microsecond. Two threads take 1.1 to 1.5 times less for 20,000, 1.8 for 150,000.
SHARED_FROM = 20_000
# Likewise where they share one block of samples, and so many samples: of 64 in float32, each thread
# has but one value, and two take 1.1 times as long as one. From here on they take 0.5 to 0.95; but
# 1.0 to 1.5 where other processes keep all cores busy, as each waits for the other. The suite's
# table of threads tells.
PAIR_FROM, PAIR_SAMPLES = 30_000, 128
# Likewise for each of more than two, where their number is ours to choose: a guess, to keep the
# many cores of a large machine from waiting for each other most of the time.
EACH = 50_000
UNUSED = np.zeros(3, np.int64)  # for kernels that do not shuffle


class Engine:
    """Trains networks on the samples of a problem, one after another, in chunks of samples.

    `begin` is to be called for each network, even for the problem's own.
    """

    def __init__(self, problem: Problem) -> None:
        start, settings = problem.start, problem.settings
        self.n, self.dtype = len(problem.X), start.dtype
        self.architecture = start.architecture
        self.batch_size = problem.batch_size
        self.problem, self.momentum = problem, settings.momentum != 0
        self.threads = _threads(problem)
        layers, log_loss = self.architecture.layers, settings.loss == "log_loss"
        watch, sharing = watch_of(settings), ALONE
        if self.threads > 1:
            sharing = BLOCKS if self.batch_size > BLOCK else PAIR
        self.faster = faster(
            special_kernel, self.dtype, layers, self.batch_size, log_loss,
            self.batch_size == self.n and not settings.shuffle, self.momentum, sharing, watch,
        )  # fmt: skip
        self.order = np.zeros(self.n if settings.shuffle else 0, np.int64)
        self.generator: Any = None
        self.addresses = UNUSED
        self.position = np.zeros(7, np.int64)
        sharing = sharing if sharing == BLOCKS else ALONE  # only special kernels are for two
        self._use(self.faster.kernel or general_batch(self.dtype, layers, log_loss, sharing, watch))
        # what a chunk may take, to begin with
        self.seconds = 30e-9 + 1e-9 * min(self.batch_size, self.kernel.chunk) * self.kernel.size
        self.pool: Threads | None = None

    def _use(self, kernel: Kernel) -> None:
        """Lay out memory for this kernel."""
        kernel.code.make()  # here, where its time counts for no slice
        self.kernel, problem = kernel, self.problem
        self.per_batch = -(-self.batch_size // kernel.chunk)
        self.per_epoch = self.per_batch * -(-self.n // self.batch_size)
        totals, threads = {
            ALONE: (1, 1), BLOCKS: (self.per_batch, self.threads), PAIR: (4, 2),
        }[kernel.sharing]  # fmt: skip
        parts = [[problem.X], [problem.y]]
        if kernel.sharing == PAIR and not self.order.size:
            odd = np.arange(self.n) % self.batch_size % 2 == 1
            parts = [[array[~odd], array[odd]] for (array,) in parts]
        rows = self.n
        if not self.order.size:
            rows = stride_for(len(parts[0][0]), kernel.width, self.dtype)
        self.parameters, self.velocity, self.totals, self.X, self.y, *self.work = zeros(
            self.dtype, kernel.size, kernel.size, kernel.totals * totals,
            *(len(each) * rows * each[0].shape[1] for each in parts), *[kernel.work] * threads,
        )  # fmt: skip
        arrange = by_sample if self.order.size else by_column
        for each, memory in zip(parts, (self.X, self.y), strict=True):
            arrange(each, memory)

    def go_faster(self) -> None:
        """Go on with the special kernel, if it is there by now."""
        special, old = self.faster.kernel, self.kernel
        if special is None or special is old:
            return
        if rest := -int(self.position[DONE]) % self.per_batch:  # sums are underway
            self.advance(rest)
        batches = int(self.position[DONE]) // self.per_batch
        state = self.parameters[old.places], self.velocity[old.places]
        self._use(special)
        self.parameters[special.places], self.velocity[special.places] = state
        self.position[DONE] = batches * self.per_batch

    def begin(self, problem: Problem, losses: Array) -> None:
        """Train from this start, with these rates; ``losses`` (epochs,) are filled on the way."""
        settings, T = problem.settings, self.dtype
        self.losses = losses
        self.rates = T(settings.learning_rate), T(settings.momentum), T(settings.tolerance or 0)
        self.restart(0, problem.start, -1)

    def restart(self, epoch: int, network: Network, solved_at: int) -> None:
        """Go on from ``network`` as the one before this epoch."""
        position = self.position
        position[DONE], position[MISSED], position[SOLVED] = epoch * self.per_epoch, 0, solved_at
        for memory, arrays in (
            (self.parameters, network.arrays), (self.velocity, network.velocity),
        ):  # fmt: skip
            memory[:] = 0
            if arrays:
                memory[self.kernel.places] = np.concatenate([array.ravel() for array in arrays])
        if network.generator:
            self.generator = with_state(state_of(network.generator))
            self.addresses = addresses_of(self.generator)

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return int(self.position[DONE]) // self.per_epoch

    @property
    def solved_at(self) -> int:
        """The first epoch whose samples were all solved, or -1."""
        return int(self.position[SOLVED])

    @property
    def between_epochs(self) -> bool:
        return int(self.position[DONE]) % self.per_epoch == 0

    @property
    def progress(self) -> float:
        """Epochs done, with the part that is done of the next."""
        return int(self.position[DONE]) / self.per_epoch

    def chunks_until(self, epoch: int) -> int:
        return epoch * self.per_epoch - int(self.position[DONE])

    def advance(self, chunks: int) -> int:
        """Train for so many chunks; but rather up to the end of an epoch, if one is reached.

        Returns how many it were.
        """
        done, kernel = int(self.position[DONE]), self.kernel
        ahead = self.per_epoch - done % self.per_epoch
        if chunks >= ahead:
            chunks = ahead + (chunks - ahead) // self.per_epoch * self.per_epoch
        if self.order.size and ahead == self.per_epoch:
            self.order[:] = self.generator.permutation(self.n)  # of further epochs: the kernel
        position = self.position
        position[CLAIMED], position[FINISHED] = done, done
        position[UPDATED] = done // self.per_batch

        def run(work: Array) -> None:
            kernel.code.run(
                kernel.numbers, self.X, self.y, self.order, self.addresses, self.n, self.batch_size,
                self.parameters, self.velocity, self.totals, work, self.losses, self.position,
                *self.rates, chunks,
            )  # fmt: skip

        def beside(work: Array) -> None:
            try:
                run(work)
            except BaseException:
                self.position[QUIT] = 1  # the others would wait for it
                raise

        mine, *others = self.work
        started = [self.pool.submit(beside, work) for work in others] if self.pool else []
        run(mine)
        for thread in started:
            thread.result()
        self.position[DONE] = done + chunks
        return chunks

    def is_finite(self) -> bool:
        """Are the parameters, between two epochs?"""
        return bool(np.isfinite(self.parameters[self.kernel.places]).all())

    def network(self) -> Network:
        """A copy of the network, between two epochs."""
        velocity = None
        if self.momentum:
            velocity = self._arrays(self.velocity + self.dtype(0))  # no -0.0 (contract, 4)
        generator = self.generator if self.order.size else None
        arrays = self._arrays(self.parameters)
        return Network.of(arrays, self.architecture, velocity=velocity, generator=generator)

    def _arrays(self, memory: Array) -> list[Array]:
        """W1, b1 and so on, of the parameters' memory or the velocity's."""
        numbers, arrays = memory[self.kernel.places], []
        for shape in self.architecture.shapes.values():
            arrays.append(numbers[: shape[0] * shape[1]].reshape(shape))
            numbers = numbers[shape[0] * shape[1] :]
        return arrays

    def __enter__(self) -> "Engine":
        if self.threads > 1:
            self.pool = Threads(self.threads - 1)
        return self

    def __exit__(self, *exception: object) -> None:
        if self.pool:
            self.position[QUIT] = 1
            self.pool.shutdown()  # a thread that still runs works on these arrays


def watch_of(settings: Settings) -> int:
    """What kernels are to do about solved epochs."""
    if settings.tolerance is None:
        return OFF
    return STOP if settings.stop_when_solved else WATCH


def _threads(problem: Problem) -> int:
    size, samples = problem.start.architecture.parameters, problem.batch_size
    work, blocks = samples * size, -(-samples // BLOCK)
    if blocks == 1:
        pays = work >= PAIR_FROM and samples >= PAIR_SAMPLES
    else:
        pays = work >= SHARED_FROM
    if not pays or size > LARGEST_BLOCK:
        return 1
    threads = problem.threads or min(cores(), max(2, work // EACH))
    return min(threads, max(2, blocks))
