"""`train`: checks, and a `Job` for an engine."""

from typing import Any

from fastxor.common import checks
from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.progress import progress_bar
from fastxor.runs.problem import prepare
from fastxor.runs.run import Interrupted, Run
from fastxor.training.job import Job, engine_type


@ieee_arithmetic()
def train(
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    validation: Any = None,
    validate_every: int = 1,
    patience: int | None = None,
    hidden_size: int | tuple[int, ...] | None = None,
    activation: str | tuple[str, ...] | None = None,
    output: str | None = None,
    loss: str = "mse",
    bias: bool | None = None,
    scales: Any = None,
    epochs: int = 10_000,
    learning_rate: float = 0.1,
    momentum: float = 0.0,
    optimizer: str = "sgd",
    nesterov: bool = False,
    beta1: float | None = None,
    beta2: float | None = None,
    epsilon: float | None = None,
    l2: float = 0.0,
    layer_rates: tuple[float, ...] | None = None,
    reduction: str = "sum",
    schedule: Any = None,
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
    stop_when_diverged: bool = True,
    snapshots: Any = None,
    record_penalty: bool = False,
    progress: bool = False,
) -> Run:
    """Train a network by gradient descent: by default the tutorial's, with a layer of sigmoids.

    The gradients are sums over the samples of a batch, as in the tutorial, so the learning rate
    counts per sample; ``reduction`` has them as means. `fastxor.reference.train` takes the same
    arguments and returns the same bits.

    X: samples (n, I), any array-like of real numbers, integers or booleans. Not changed.
    y: targets (n, O) or (n,).
    sample_weight: (n,), at least 0: what each sample counts in gradients and losses, which are then
        means by weight. Samples of weight 0 are left out, of ``solved_at``, too.
    hidden_size: units of the hidden layer, or a tuple of those of each, () for none; by default 2,
        or those of ``initial``.
    activation: the function of hidden layers, "sigmoid", "tanh", "relu" or "identity", or a tuple
        of one each; by default sigmoids, or those of ``initial``.
    output: the function of the outputs, "sigmoid", "identity" (for targets of any scale), "tanh" or
        "softmax" (of two or more); by default sigmoids, or that of ``initial``.
    loss: "mse", the mean of the squared errors over samples and outputs; its gradients are those of
        the sum's half. Or, of sigmoids and softmax only, "log_loss": the mean over samples and, of
        sigmoids, outputs; targets from 0 to 1, which a softmax wants to sum to 1 in each row. Its
        gradients are those of the sum.
    bias: have the layers biases? By default they have, or as those of ``initial``.
    scales: what the sums of each layer are multiplied with before its function, a tuple of numbers
        above 0, one for W1 and b1, one for W2 and b2, and so on: 1 / sqrt(inputs), say, with
        starting weights of order 1. By default nothing, or those of ``initial``.
    epochs: how often to go through all samples; 0 gives the starting network.
    learning_rate, momentum: an update is momentum * the last one + learning_rate * gradient; with
        ``nesterov`` it looks ahead: momentum * this + learning_rate * gradient.
    optimizer: "sgd", which is that, or "adam" (D. P. Kingma and J. Ba, 2015), with ``beta1``,
        ``beta2`` and ``epsilon``, by default 0.9, 0.999 and 1e-8. Adam hardly cares that gradients
        are sums, but epsilon counts per sample, too.
    l2: adds l2 * W to the gradients of weights, not of biases: a penalty of l2 / 2 * the sum of
        their squares beside that half sum, or sum, whose gradients they are. Losses are told
        without it.
    layer_rates: factors of the learning rate, one for each layer W1 and b1, ..., WL and bL.
    reduction: "sum", or "mean": gradients, with what l2 adds, are divided by the number of samples
        in the batch, as in most other libraries; sample weights do not count for that number.
    schedule: what the learning rate is multiplied with in each epoch, (epochs,), or a function of
        the epochs' numbers, an array, that gives it. To go on later, give the rest of it.
    batch_size: samples between two updates, the last batch of an epoch may have fewer; by
        default all of them. The loss of an epoch is the mean over its batches, each of them
        before its update.
    shuffle: take the samples in another order in each epoch, by
        ``numpy.random.default_rng(seed).permutation(n)``.
    threads: at most so many; by default at most as many as there are cores. They share a batch
        where it is large enough to pay for it, in blocks of 1,024 samples; a single block of 128 or
        more is shared by two. They change no bit.
    seed: of the starting weights, as ``np.random.seed(seed)`` in the tutorial; 0 to 2**32 - 1.
    init: "randn", as in the tutorial: W1, then W2 and so on, and biases of zero; "uniform": W1, b1,
        W2, b2 from -init_range to init_range, by `numpy.random.RandomState(seed).uniform`; or
        "glorot" or "he" (X. Glorot and Y. Bengio, 2010; K. He and others, 2015): weights uniform
        within sqrt(6 / (inputs + units)) or sqrt(6 / inputs) of their layer, and biases of zero, as
        Keras has them.
    init_range: see there.
    initial: start from this instead: a `Network`, a `Run` or arrays (W1, b1, W2, b2), more for more
        layers, None for biases that are not there. With the
        settings of before, a run goes on bit for bit as if it had never stopped; what momentum or
        Adam carries from update to update, and what shuffles, is part of its network.
    dtype: "float64" or "float32"; by default float64, or that of an ``initial`` network.
    tolerance: look at each epoch whether all outputs, before their update, are nearer to their
        targets than this: 0.5 for the right side of the threshold. ``solved_at`` of the result is
        the first such epoch, or -1.
    stop_when_solved: end there: the network is the one before that epoch, the losses are those up
        to that epoch's own.
    stop_when_diverged: end where training leaves the finite numbers, as `Diverged`; otherwise it
        goes on, with losses that are infinite or NaN, or finite again.
    validation: samples that are held out, a pair (X, y) as those of training, whose loss is told
        after every ``validate_every`` epochs. ``best`` of the result is the network with the least;
        ``network`` is the last one, to go on.
    patience: stop after so many validations without a loss below the least so far; it begins anew,
        as do validations, where training goes on from ``initial``.
    snapshots: keep the networks at these epochs, integers; 0 is the start, k what k epochs have
        made of it. ``snapshots`` of the result are those that training got to.
    record_penalty: keep what l2 stands for, of each epoch: ``penalties`` of the result.
    progress: show a progress bar on standard error.

    Raises ValueError or TypeError, before any work, for bad input; `Diverged` when training
    leaves the finite numbers; `Interrupted`, a KeyboardInterrupt, on Ctrl-C. The last two
    carry the unfinished run.
    """
    progress = checks.boolean("progress", progress)
    problem = prepare(X, y, sample_weight, validation, initial, threads, {
        "hidden_size": hidden_size, "activation": activation, "output": output, "loss": loss,
        "bias": bias, "scales": scales, "epochs": epochs, "learning_rate": learning_rate,
        "momentum": momentum, "optimizer": optimizer, "nesterov": nesterov, "beta1": beta1,
        "beta2": beta2, "epsilon": epsilon, "l2": l2, "layer_rates": layer_rates,
        "reduction": reduction, "schedule": schedule, "batch_size": batch_size, "shuffle": shuffle,
        "seed": seed, "init": init, "init_range": init_range, "dtype": dtype,
        "tolerance": tolerance, "stop_when_solved": stop_when_solved,
        "stop_when_diverged": stop_when_diverged, "snapshots": snapshots,
        "record_penalty": record_penalty, "validate_every": validate_every, "patience": patience,
    })  # fmt: skip
    job = Job(problem)
    try:
        if problem.settings.epochs:
            bar = progress_bar(problem.settings.epochs, progress)
            with bar as report, engine_type()(problem) as engine:
                job.finish(engine, report)
        return job.run()
    except KeyboardInterrupt:
        raise Interrupted(job.run()) from None
