"""The fused kernels: forward pass, loss, backpropagation and update in one compiled loop.

They are plain Python that is traced, see `traced`; Numba hands it its arguments and compiles what
it wrote. A kernel has several modules: `tiled`, the loops over batches; `tiled_plan`, how its
memory is laid out; `tiled_steps`, what is done with a part of a batch; `tiled_layers`, with a
layer. `pair` shares those of `tiled`.

Each follows `fastxor.contract` to the last bit, and only computes: `training` validates, slices
and reports.

General kernels serve all networks of a dtype, one those without scales, another those with: what
they do for a new one they do at once. Special ones are compiled for a network and its batches,
which takes half a second or a whole one, or loaded from the cache on disk, see `kernel_files`; then
they are 1 to 4 times as fast. `small` is for batches of up to 4 samples, or 16 where the network is
small, too; `tiled` for any, and for threads; it is what the general kernel is made of, too. For two
threads and batches of up to 1,024 samples there is `pair`, for many networks `stacked`.

A call trains for some chunks of samples; all state lies in its arrays, for the next call. A batch
has batch_size / chunk chunks, rounded up, and an epoch n / batch_size batches, rounded up, the
last of which is shorter and may have empty chunks.

    numbers       of the network, for the general kernel
    X, y          without shuffling (I, N) and (O, N), flat, with N >= n + width - 1, and numbers
                  after the n samples; for `PAIR` two of them, of the samples 0, 2, 4 and so on of
                  each batch, and of 1, 3, 5; with shuffling (n, I) and (n, O), flat. Where samples
                  have weights, these are after the outputs, as one of them
    order         the order of this epoch's samples, (n,); empty without shuffling
    generator     the one that shuffles for every further epoch, see `order.addresses_of`
    parameters    W1, b1, ..., WL, bL, at the kernel's `places`, zeros elsewhere
    carried       what goes on from update to update: velocities likewise; with Adam the means,
                  the squares, likewise, and two decays
    totals, work  sums over samples and working memory, to be kept as they are between calls; each
                  thread has its own `work`, and `totals` are, for `BLOCKS`, as many as there are
                  blocks in a batch, and for `PAIR` four
    losses        of every epoch; of an unfinished one the sum of terms so far
    penalties     of every epoch, sums of l2 * W * W over batches; empty where they are not wanted
    held_out      samples and targets as X and y are without shuffling, in one array
    validation_losses, best     the losses of those; the least, and the parameters that have it
    position      [chunks done; what threads have claimed, finished and updated; does this epoch
                  have an error of `tolerance` or more; the first epoch without any such, or -1;
                  1 for threads not to wait for others any more; samples that are held out; epochs
                  between two looks at these, and without improvement at which training stops, or 0;
                  epochs before those of this run; all those behind the best network, and at which
                  it stopped, or 0]
    rates         learning rate; momentum or beta1; beta2; epsilon; l2
    factors       of the learning rate, of every epoch; or one for all
    l2            of each weight, 0 of each bias, as the parameters lie; empty without
    layer_rates   the learning rate of each, likewise

A kernel that stops returns after that epoch and its update, wherever the chunks end; but not one
for several threads.
"""

from functools import cache
from typing import Any

from fastxor.kernels.compiling import MOMENTUM, PAIR, Layers, Wanted
from fastxor.kernels.pair import pair_batch
from fastxor.kernels.small import fits, small_batch
from fastxor.kernels.tiled import tiled_batch
from fastxor.kernels.tiled_plan import TILE_SIZES


@cache
def special_kernel(
    dtype: Any,
    layers: Layers,
    batch_size: int,
    whole: bool,
    sharing: int,
    wanted: Wanted,
) -> tuple[Any, ...]:
    """What makes the fastest kernel for networks of these layers and batches of this size, to the
    same bits, and its arguments, which are the same for all that can have the same.

    ``whole``: all samples are one batch, and not shuffled. ``sharing``: of batches
    among threads, `ALONE`, `BLOCKS` or `PAIR`.
    """
    # they multiply with a factor in any case, and do not look for numbers that are not finite
    wanted = wanted._replace(scheduled=False, endless=False)
    more = wanted.penalty or wanted.validated or wanted.layered
    if fits(dtype, layers, batch_size) and not more:
        return small_batch, dtype, layers, batch_size, whole, wanted
    # a momentum of 0 has the same bits and is as fast; penalties and rates they see at run time
    wanted = wanted._replace(rule=max(wanted.rule, MOMENTUM))
    wanted = wanted._replace(l2=False, penalty=False, layered=False)
    # all that matters is the next power of two, up to the first that is more than a tile: batches
    # of other sizes, as of the folds of a cross-validation or of groups, share a kernel, and the
    # work that pays for it
    threads = 2 if sharing == PAIR else 1
    batch_size = min(1 << (batch_size - 1).bit_length(), 2 * threads * TILE_SIZES[0])
    if sharing == PAIR:
        return pair_batch, dtype, layers, batch_size, wanted
    return tiled_batch, dtype, layers, batch_size, sharing, wanted
