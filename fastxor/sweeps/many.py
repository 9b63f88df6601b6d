"""`train_many`: checks, and many networks trained by a `Crew` of threads."""

import sys
from concurrent.futures import Executor
from hashlib import sha256
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.generators import state_of
from fastxor.common.progress import progress_bar
from fastxor.forks import not_forking
from fastxor.networks.carried import ADAM, VELOCITY
from fastxor.networks.network import Network
from fastxor.networks.stack import Networks, broadcast, compact, own_dimensions, spread
from fastxor.runs.check_settings import check_settings
from fastxor.runs.fields import varied
from fastxor.runs.problem import check_architecture, of_arrays, starting_arrays
from fastxor.runs.reducing import with_reduction
from fastxor.runs.run import Interrupted, Run
from fastxor.runs.runs import Runs
from fastxor.runs.samples import Data
from fastxor.runs.settings import Settings
from fastxor.sweeps.parts import PartsInMemory, train_parts
from fastxor.sweeps.samples_of_many import check_samples
from fastxor.sweeps.store_training import train_stored
from fastxor.sweeps.sweep import Sweep


@ieee_arithmetic()
def train_many(
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    groups: Any = None,
    validation: Any = None,
    validate_every: int = 1,
    patience: Any = None,
    hidden_size: int | tuple[int, ...] | None = None,
    activation: str | tuple[str, ...] | None = None,
    output: str | None = None,
    loss: str = "mse",
    bias: bool | None = None,
    scales: Any = None,
    epochs: int = 10_000,
    learning_rate: Any = 0.1,
    momentum: Any = 0.0,
    optimizer: str = "sgd",
    nesterov: bool = False,
    beta1: Any = None,
    beta2: Any = None,
    epsilon: Any = None,
    l2: Any = 0.0,
    layer_rates: Any = None,
    reduction: str = "sum",
    schedule: Any = None,
    batch_size: int | None = None,
    shuffle: bool = False,
    threads: int | None = None,
    seed: Any = 42,
    init: str = "randn",
    init_range: Any = None,
    initial: Any = None,
    dtype: Any = None,
    tolerance: float | None = 0.5,
    stop_when_solved: bool = False,
    stop_when_diverged: bool = True,
    snapshots: Any = None,
    record_every: int | None = None,
    reduce: Any = None,
    keep_networks: bool = True,
    resume: Any = None,
    store: Any = None,
    executor: Executor | None = None,
    progress: bool = False,
) -> Runs:
    """Train many networks, each to the bits that `train` gives it alone.

    ``seed``, ``learning_rate``, ``momentum``, ``beta1``, ``beta2``, ``epsilon``, ``l2``,
    ``patience``, ``init_range`` and the leading dimensions of ``initial`` are broadcast against
    each other, as NumPy does: a network for each element, and all results have that shape in front.
    ``seed=np.arange(1000)[:, None], learning_rate=np.geomspace(0.01, 30, 256)`` trains 1000 x 256
    networks.

    All networks have the same samples, or each its own. X (..., n, I), y (..., n, O) or (n,) and
    sample_weight (..., n) may be stacked, for other targets, folds or bootstraps; their leading
    dimensions are broadcast likewise, and a network is trained on what is there at its place.

    groups: the label of each sample, (n,), text, integers or times, or the name of a column of X, a
        frame: a network for each label, trained on its samples alone. The labels, sorted, are the
        last dimension of the result, ``runs.groups``; ``runs.of(label)`` is one of them, and
        ``runs.predict_proba(X, groups)`` predicts each sample by the network of its group. With
        the log loss, each must have two classes.
    validation: as in `train`, the same for all; stacked, too; or, with groups, (X, y, groups) with
        those of each group.
    X, y, sample_weight, validate_every, hidden_size, activation, output, loss, bias, scales,
        epochs, optimizer, nesterov, reduction, schedule, batch_size, shuffle, dtype: as in `train`.
    layer_rates: as in `train`, but each factor may be an array, too: ``learning_rate=1,
        layer_rates=(rates, rates[:, None])`` has rates of the first layer across, of the second up.
    learning_rate, momentum, beta1, beta2, epsilon, l2, patience, seed, init_range: numbers as in
        `train`, or arrays of them.
    init: as in `train`, the same for all.
    initial: start from these instead: `Networks`, `Runs`, or arrays (W1, b1, ..., WL, bL) of
        shapes (..., I, H1), (..., 1, H1) and so on to (..., 1, O), None in place of biases where
        there are none; or a single network, as in `train`.
    threads: at most so many; by default as many as there are cores. They change no bit.
    tolerance, stop_when_solved, snapshots: as in `train`; a tolerance of None does not look
        whether networks are solved.
    stop_when_diverged: end a network where it leaves the finite numbers; otherwise it goes on, its
        losses as they are, infinite and NaN, too, and its ``diverged_at`` stays -1.
    record_every: keep the losses of epochs 0, k, 2k and so on; by default of none.
    reduce: a function of losses (k, recorded epochs), NaN where training had ended, to an array of
        numbers (k, ...) in any shape, called with those of some networks at a time, in several
        threads or other processes. What it gives is kept in ``runs.reduced``, and no losses: a
        million networks need no memory for these. ``record_every`` is then 1 by default. What is
        unfinished when training is interrupted begins anew. A store knows the function by its name.
    keep_networks: False to keep, with ``reduce``, what it gives and no networks: ``runs.networks``
        are NaN then, and ``runs[i]`` is refused for a single one, which `train` makes again.
    resume: finish this instead of starting anew: an `Interrupted` or its ``run``. All other
        arguments must be those of the call that was interrupted.
    store: a folder for the results, written part by part on the way; if it holds some of the same
        call, only the rest is trained. Returns `StoredRuns`, which are read when asked for. Memory
        is needed for the networks at work only, and a kill loses no others.
    executor: a `concurrent.futures.Executor` to train elsewhere: processes, or a cluster. Parts of
        the networks are sent to it, each to be trained by one thread, or ``threads``. The bits are
        the same; what a lost worker had is trained again.
    progress: show a progress bar on standard error.

    A network that leaves the finite numbers ends before that epoch, which is its ``diverged_at``;
    the others go on. Raises ValueError or TypeError, before any work, for bad input;
    `Interrupted`, a KeyboardInterrupt, on Ctrl-C, whose ``run`` is to be resumed: `Runs` in which
    ``done`` tells which networks are finished. With a store also OSError where the folder cannot be
    written, ValueError where it holds another call's results or is damaged; what is in it stays.
    """
    progress = checks.boolean("progress", progress)
    start = _initial_networks(
        initial, {"activation": activation, "output": output, "scales": scales}
    )
    settings = check_settings(
        start, hidden_size=hidden_size, activation=activation, output=output, loss=loss, bias=bias,
        scales=scales, epochs=epochs, learning_rate=learning_rate, momentum=momentum,
        optimizer=optimizer, nesterov=nesterov, beta1=beta1, beta2=beta2, epsilon=epsilon, l2=l2,
        layer_rates=layer_rates, reduction=reduction, schedule=schedule, batch_size=batch_size,
        shuffle=shuffle, seed=seed, init=init, init_range=init_range, dtype=dtype,
        tolerance=tolerance, stop_when_solved=stop_when_solved,
        stop_when_diverged=stop_when_diverged, snapshots=snapshots, record_every=record_every,
        validated=validation is not None, validate_every=validate_every, patience=patience,
        many=True,
    )  # fmt: skip
    settings = with_reduction(settings, reduce, keep_networks)
    T = np.dtype(settings.dtype).type
    threads = checks.threads(threads)
    given = check_samples(X, y, sample_weight, validation, groups, settings)
    if given.labels is not None:
        settings = settings.changed(group=given.labels)
    values = varied(settings)
    shapes = {n: v.shape[: v.ndim - own_dimensions(n)] for n, v in values.items()} | given.shapes
    if start is not None:
        check_architecture(start.architecture, given.architecture)
        if 0 in start.shape:
            raise ValueError(f"initial must not be empty, got shape {start.shape}")
        shapes["initial"] = start.shape
        start = _converted(start, T, settings)
    shape = broadcast(shapes)
    arrays: dict[str, Any] = {n: spread(n, v, shape) for n, v in values.items()}
    sweep = Sweep(
        given.for_networks(shape), None if start is None else start.broadcast_to(shape),
        settings.changed(**arrays), given.architecture, _digest(given.data, start),
        reduce,
    )  # fmt: skip
    if executor is not None and not isinstance(executor, Executor):
        expected = "a concurrent.futures.Executor"
        raise TypeError(f"executor must be {expected}, got {type(executor).__name__}")
    if store is not None:
        folder = checks.path("store", store)
        if resume is not None:
            raise ValueError("resume must be None with a store: the same call goes on there")
        return train_stored(sweep, folder, executor, threads, progress)
    runs = sweep.blank() if resume is None else _resumed(resume, sweep)
    try:
        with progress_bar(sweep.count, progress, "networks") as report:
            if executor is not None:
                parts = PartsInMemory(sweep, runs, sweep.part_size())
                train_parts(sweep, parts, executor, threads, report)
            else:
                # here and not at the top: numba takes half a second to import
                with not_forking:
                    from fastxor.training.crew import Crew

                Crew(sweep.data, sweep.start, runs, threads, reduce).run(report)
        return runs
    except KeyboardInterrupt:
        raise Interrupted(runs) from None


def _initial_networks(initial: Any, settings: dict[str, Any]) -> Networks | None:
    if isinstance(initial, (Run, Runs)):
        initial = initial.network if isinstance(initial, Run) else initial.networks
    if initial is None or isinstance(initial, Networks):
        return initial
    if isinstance(initial, Network):
        generators = None if initial.generator is None else state_of(initial.generator)
        return Networks.of(
            initial.arrays, initial.architecture, initial.velocity, initial.adam, generators
        )
    others = "Networks, Runs, a Network, a Run"
    networks: Networks = of_arrays(Networks, initial, settings, others)
    return networks


def _converted(start: Networks, dtype: Any, settings: Settings) -> Networks:
    """Copies to train, with what the settings need; of what was broadcast, one for all."""
    kind = settings.carries
    velocity = start.velocity if kind == VELOCITY else None
    adam = start.adam if kind == ADAM else None
    generators = start.generators if settings.shuffle else None
    alone = velocity is None and adam is None and generators is None
    names, arrays = start.architecture.names, map(compact, start.arrays) if alone else start.arrays
    if velocity:
        named = {f"velocity_{n}": v for n, v in zip(names, velocity, strict=True)}
        velocity = starting_arrays(named, dtype)
    if adam is not None:
        (adam,) = starting_arrays({ADAM: adam}, dtype)
    arrays = starting_arrays(dict(zip(names, arrays, strict=True)), dtype)
    given = start.architecture.arguments(arrays)  # to be broadcast again
    return Networks(**given, velocity=velocity, adam=adam, generators=generators)


def _digest(data: Data, start: Networks | None) -> str:
    """Of the samples and of what networks start from, if not from their seeds."""
    validation = data.validation
    arrays = [data.X, data.y, *(validation[:2] if validation else ())]
    for ranges in (data.ranges, validation.ranges if validation else None):
        arrays += ranges or ()
    arrays += {} if start is None else start.state.values()
    result = sha256()
    for array in arrays:
        little = array if sys.byteorder == "little" else array.astype(array.dtype.newbyteorder("<"))
        result.update(f"{array.shape} {array.dtype.type.__name__}\n".encode())
        result.update(np.ascontiguousarray(little).data)
    return result.hexdigest()


def _resumed(resume: Any, sweep: Sweep) -> Runs:
    """A copy of what is to be resumed, if it came from the same call."""
    runs = resume.run if isinstance(resume, Interrupted) else resume
    if not isinstance(runs, Runs):
        raise TypeError(f"resume must be Interrupted or its Runs, got {type(runs).__name__}")
    sweep.check_same(runs.settings, runs.problem, "resume")
    return runs.take(np.arange(sweep.count).reshape(sweep.shape))
