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
    MOMENTUM,
    PAIR,
    QUIT,
    SOLVED,
    UPDATED,
    Kernel,
)
from fastxor.kernels.faster import faster
from fastxor.kernels.order import addresses_of
from fastxor.kernels.sums import BLOCK
from fastxor.kernels.tiled import general_batch
from fastxor.kernels.tiled_plan import LARGEST_BLOCK
from fastxor.networks.carried import VELOCITY
from fastxor.runs.problem import Problem, State, terms_of
from fastxor.runs.run import Records
from fastxor.training.layout import by_column, by_sample, stride_for, zeros
from fastxor.training.wanted import NONE, factors_of, rates_of, wanted_of

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
NO_ORDER, UNUSED = np.zeros(0, np.int64), np.zeros(3, np.int64)  # for kernels that do not shuffle


class Engine:
    """Trains networks on the samples of a problem, one after another, in chunks of samples.

    `begin` is to be called for each network, even for the problem's own.
    """

    def __init__(self, problem: Problem) -> None:
        settings, layers = problem.settings, problem.architecture.layers
        self.problem, self.n, self.batch_size = problem, len(problem.X), problem.batch_size
        self.dtype = getattr(np, settings.dtype)
        self.carries, self.shuffled = settings.carries, settings.shuffle
        self.threads = _threads(problem)
        wanted, sharing = wanted_of(settings, settings.carries, problem.weighted), ALONE
        if self.threads > 1:
            sharing = BLOCKS if self.batch_size > BLOCK else PAIR
        self.faster = faster(
            special_kernel, self.dtype, layers, self.batch_size,
            self.batch_size == self.n and not self.shuffled, sharing, wanted,
        )  # fmt: skip
        self.terms = terms_of(problem.y, problem.architecture, self.dtype)
        self.order = np.zeros(self.n, np.int64) if self.shuffled else NO_ORDER
        self.generator: Any = None
        self.addresses = UNUSED
        self.position = np.zeros(7, np.int64)
        self.done = 0  # chunks
        kernel = self.faster.kernel
        if kernel is None:  # only special ones are for two threads
            sharing = sharing if sharing == BLOCKS else ALONE
            wanted = wanted._replace(rule=max(wanted.rule, MOMENTUM))
            kernel = general_batch(self.dtype, layers, sharing, wanted)
        self._use(kernel)
        # what a chunk may take, to begin with
        self.seconds = 30e-9 + 1e-9 * min(self.batch_size, kernel.chunk) * kernel.size
        self.pool: Threads | None = None

    def _use(self, kernel: Kernel) -> None:
        """Lay out memory for this kernel."""
        kernel.code.make()  # here, where its time counts for no slice
        self.kernel, X, y = kernel, self.problem.X, self.problem.y
        self.per_batch = -(-self.batch_size // kernel.chunk)
        self.per_epoch = self.per_batch * -(-self.n // self.batch_size)
        totals, threads, parts, rows = 1, 1, [[X], [y]], self.n
        if kernel.sharing == BLOCKS:
            totals, threads = self.per_batch, self.threads
        elif kernel.sharing == PAIR:
            totals, threads = 4, 2
            if not self.shuffled:
                odd = np.arange(self.n) % self.batch_size % 2 == 1
                parts = [[array[~odd], array[odd]] for array in (X, y)]
        if not self.shuffled:
            rows = stride_for(len(parts[0][0]), kernel.width, self.dtype)
        rows *= len(parts[0])
        self.parameters, self.carried, self.totals, self.X, self.y, *self.work = zeros(
            self.dtype, kernel.size, kernel.carried, kernel.totals * totals, rows * X.shape[1],
            rows * y.shape[1], *[kernel.work] * threads,
        )  # fmt: skip
        arrange = by_sample if self.shuffled else by_column
        arrange(parts[0], self.X)
        arrange(parts[1], self.y)

    def go_faster(self) -> None:
        """Go on with the special kernel, if it is there by now."""
        special, old = self.faster.kernel, self.kernel
        if special is None or special is old:
            return
        if rest := -self.done % self.per_batch:  # sums are underway
            self.advance(rest)
        batches = self.done // self.per_batch
        state = self.state()
        self._use(special)
        self._set(state)
        self.done = batches * self.per_batch

    def begin(self, problem: Problem, records: Records) -> None:
        """Train from this start, with these rates; ``records`` are filled on the way."""
        settings, T = problem.settings, self.dtype
        self.records, self.tolerance = records, T(settings.tolerance or 0)
        self.rates, self.factors = np.array(rates_of(settings), T), factors_of(settings, T)
        self.l2, self.own_l2 = settings.l2, NONE[T]
        self.restart(0, problem.start, -1)

    def restart(self, epoch: int, state: State, solved_at: int) -> None:
        """Go on from ``state`` as the one before this epoch."""
        self.done = epoch * self.per_epoch
        self.position[MISSED], self.position[SOLVED] = 0, solved_at
        self.parameters.fill(0)  # what is between them
        self.carried.fill(0)
        self._set(state)
        if state.generator:
            self.generator = with_state(state_of(state.generator))
            self.addresses = addresses_of(self.generator)

    def _set(self, state: State) -> None:
        """Take over parameters and what goes on with them."""
        places = self.kernel.places
        self.parameters[places] = state.parameters
        if self.l2:
            self.own_l2 = np.zeros_like(self.parameters)
            self.own_l2[places[self.problem.architecture.are_weights]] = self.l2
        if state.carried is not None:
            self.carried[self._carried_places] = state.carried

    @property
    def _carried_places(self) -> Any:
        places, size = self.kernel.places, self.kernel.size
        if self.carries == VELOCITY:
            return places
        return np.concatenate([places, places + size, [2 * size, 2 * size + 1]])

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.done // self.per_epoch

    @property
    def solved_at(self) -> int:
        """The first epoch whose samples were all solved, or -1."""
        return int(self.position[SOLVED])

    @property
    def between_epochs(self) -> bool:
        return self.done % self.per_epoch == 0

    @property
    def progress(self) -> float:
        """Epochs done, with the part that is done of the next."""
        return self.done / self.per_epoch

    def chunks_until(self, epoch: int) -> int:
        return epoch * self.per_epoch - self.done

    def advance(self, chunks: int) -> int:
        """Train for so many chunks; but rather up to the end of an epoch, if one is reached.

        Returns how many it were.
        """
        done, position = self.done, self.position
        ahead = self.per_epoch - done % self.per_epoch
        if chunks >= ahead:
            chunks = ahead + (chunks - ahead) // self.per_epoch * self.per_epoch
        if self.shuffled and ahead == self.per_epoch:
            self.order[:] = self.generator.permutation(self.n)  # of further epochs: the kernel
        position[DONE] = position[CLAIMED] = position[FINISHED] = done
        position[UPDATED] = done // self.per_batch
        mine, *others = self.work
        started = [self.pool.submit(self._beside, w, chunks) for w in others] if self.pool else ()
        self._run(mine, chunks)
        for thread in started:
            thread.result()
        self.done = done + chunks
        return chunks

    def _run(self, work: Array, chunks: int) -> None:
        self.kernel.code.run(
            self.kernel.numbers, self.X, self.y, self.order, self.addresses, self.n,
            self.batch_size, self.parameters, self.carried, self.totals, work,
            self.records.losses, self.records.penalties, self.position, self.rates, self.factors,
            self.own_l2, self.tolerance, self.terms, chunks,
        )  # fmt: skip

    def _beside(self, work: Array, chunks: int) -> None:
        try:
            self._run(work, chunks)
        except BaseException:
            self.position[QUIT] = 1  # the others would wait for it
            raise

    def state(self) -> State:
        """A copy of the numbers, between two epochs."""
        carried, generator = {}, None
        if self.carries:
            # + 0: no -0.0 (contract, 4)
            carried[self.carries] = self.carried[self._carried_places] + self.dtype(0)
        if self.shuffled:
            generator = with_state(state_of(self.generator))
        return State(self.parameters[self.kernel.places], **carried, generator=generator)

    def __enter__(self) -> "Engine":
        if self.threads > 1:
            self.pool = Threads(self.threads - 1)
        return self

    def __exit__(self, *exception: object) -> None:
        if self.pool:
            self.position[QUIT] = 1
            self.pool.shutdown()  # a thread that still runs works on these arrays


def _threads(problem: Problem) -> int:
    size, samples = problem.architecture.parameters, problem.batch_size
    work, blocks = samples * size, -(-samples // BLOCK)
    if blocks == 1:
        pays = work >= PAIR_FROM and samples >= PAIR_SAMPLES
    else:
        pays = work >= SHARED_FROM
    if not pays or size > LARGEST_BLOCK:
        return 1
    threads = problem.threads or min(cores(), max(2, work // EACH))
    return min(threads, max(2, blocks))
