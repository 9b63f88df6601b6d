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
    BEFORE,
    BEST,
    BLOCKS,
    CLAIMED,
    DONE,
    EVERY,
    FINISHED,
    HELD_OUT,
    MISSED,
    MOMENTUM,
    PAIR,
    PATIENCE,
    POSITIONS,
    QUIT,
    RAN_OUT,
    SOLVED,
    UPDATED,
    Kernel,
)
from fastxor.kernels.faster import faster
from fastxor.kernels.order import addresses_of
from fastxor.kernels.sums import BLOCK
from fastxor.kernels.tiled import general_batch
from fastxor.kernels.tiled_plan import LARGEST_BLOCK
from fastxor.runs.problem import Problem, State
from fastxor.runs.run import Records
from fastxor.runs.samples import terms_of
from fastxor.training.kernel_arrays import KernelArrays
from fastxor.training.wanted import factors_of, rates_of, wanted_of

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
        wanted, sharing = wanted_of(settings, self.carries, problem.weighted), ALONE
        if self.threads > 1:
            sharing = BLOCKS if self.batch_size > BLOCK else PAIR
        whole = self.batch_size == self.n and not self.shuffled
        self.faster = faster(
            *special_kernel(self.dtype, layers, self.batch_size, whole, sharing, wanted)
        )
        self.terms = self.held_out_terms = terms_of(problem.y, problem.architecture, self.dtype)
        if held_out := problem.validation:
            self.held_out_terms = terms_of(held_out.y, problem.architecture, self.dtype)
        self.order = np.zeros(self.n, np.int64) if self.shuffled else NO_ORDER
        self.generator: Any = None
        self.addresses = UNUSED
        self.position = np.zeros(POSITIONS, np.int64)
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
        self.kernel = kernel
        self.per_batch = -(-self.batch_size // kernel.chunk)
        self.per_epoch = self.per_batch * -(-self.n // self.batch_size)
        threads = 1 if kernel.sharing == ALONE else self.threads
        self.arrays = KernelArrays(self.problem, kernel, threads, self.per_batch)

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
        self.settings = settings
        position, held_out = self.position, problem.validation
        position[PATIENCE], position[BEFORE] = settings.waits, problem.before
        if held_out:
            position[HELD_OUT], position[EVERY] = len(held_out.X), settings.validate_every
        self.restart(0, problem.start, -1)

    def restart(self, epoch: int, state: State, solved_at: int) -> None:
        """Go on from ``state`` as the one before this epoch."""
        self.done = epoch * self.per_epoch
        self.position[MISSED], self.position[SOLVED], self.position[RAN_OUT] = 0, solved_at, 0
        self._set(state)
        if state.generator:
            self.generator = with_state(state_of(state.generator))
            self.addresses = addresses_of(self.generator)

    def _set(self, state: State) -> None:
        """Take over parameters and what goes on with them."""
        self.arrays.put(state, self.settings)
        if state.best:
            self.position[BEST] = state.best.epoch

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.done // self.per_epoch

    @property
    def solved_at(self) -> int:
        """The first epoch whose samples were all solved, or -1."""
        return int(self.position[SOLVED])

    @property
    def out_of_patience_at(self) -> int:
        """The epochs after which patience ran out, or -1."""
        at, before = self.position[RAN_OUT], self.position[BEFORE]
        return int(at - before) if at else -1

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
        mine, *others = self.arrays.work
        started = [self.pool.submit(self._beside, w, chunks) for w in others] if self.pool else ()
        self._run(mine, chunks)
        for thread in started:
            thread.result()
        self.done = done + chunks
        if (end := self.out_of_patience_at) >= 0 and self.kernel.sharing == ALONE:
            self.done = end * self.per_epoch  # it has stopped there
        return chunks

    def _run(self, work: Array, chunks: int) -> None:
        arrays, records = self.arrays, self.records
        self.kernel.code.run(
            self.kernel.numbers, arrays.X, arrays.y, self.order, self.addresses, self.n,
            self.batch_size, arrays.parameters, arrays.carried, arrays.totals, work,
            records.losses, records.penalties, arrays.held_out, records.validation_losses,
            arrays.best, self.position, self.rates, self.factors, arrays.l2, arrays.layer_rates,
            self.tolerance, self.terms, self.held_out_terms, chunks,
        )  # fmt: skip

    def _beside(self, work: Array, chunks: int) -> None:
        try:
            self._run(work, chunks)
        except BaseException:
            self.position[QUIT] = 1  # the others would wait for it
            raise

    def state(self) -> State:
        """A copy of the numbers, between two epochs."""
        generator = with_state(state_of(self.generator)) if self.shuffled else None
        return self.arrays.state(self.carries, int(self.position[BEST]), generator)

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
