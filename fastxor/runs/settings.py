"""The settings of a run, and their checks."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from fastxor.common import checks
from fastxor.networks.architecture import (
    OUTPUTS,
    Activation,
    Architecture,
    check_activation,
    check_hidden_size,
    short,
)
from fastxor.networks.carried import ADAM, VELOCITY
from fastxor.networks.stack import has_any
from fastxor.networks.starting import INITS
from fastxor.runs.optimizers import check_optimizer, check_schedule

LOSSES = ("mse", "log_loss")
LOSSES_OF = {
    "sigmoid": LOSSES, "identity": ("mse",), "tanh": ("mse",), "softmax": ("log_loss",),
}  # fmt: skip
"""Which of them go with these outputs."""
TUTORIALS = Architecture.of((1, 2, 1))  # but for its inputs and outputs
MOST = 2**31 - 1  # validations, and epochs between two: their product is an int64
LONGEST = np.iinfo(np.intp).max // 8  # epochs whose losses could be counted in bytes


@dataclass(frozen=True)
class Settings:
    """The settings of a run, as `train` took them; of `Runs`, those that may differ as arrays."""

    hidden_size: int | tuple[int, ...]  # an integer for one hidden layer
    epochs: int
    learning_rate: Any  # float
    momentum: Any  # float
    batch_size: int | None
    shuffle: bool
    seed: Any  # int
    init: str
    init_range: Any  # float | None
    dtype: str
    tolerance: float | None
    stop_when_solved: bool
    record_every: int | None = 1
    """Which losses are kept: those of every epoch from `train`, fewer from `train_many`."""
    activation: Activation = "sigmoid"
    output: str = "sigmoid"
    loss: str = "mse"
    bias: bool | tuple[bool, ...] = True  # a tuple where some layers have biases and some not
    optimizer: str = "sgd"
    nesterov: bool = False
    beta1: Any = None  # float, with "adam" only, as the next two
    beta2: Any = None
    epsilon: Any = None
    l2: Any = 0.0  # float
    reduction: str = "sum"
    record_penalty: bool = False
    validate_every: Any = None  # int
    """Epochs from one validation to the next; None where no samples are held out."""
    patience: Any = None  # int; validations without improvement at which training stops
    snapshots: tuple[int, ...] | None = None
    """The epochs at which networks are kept, in order; 0 is the start."""
    schedule: tuple[float, ...] | None = None
    """What the learning rate is multiplied with in each epoch."""
    stop_when_diverged: bool = True
    reduce: Any = None  # Reduction
    """What is kept of losses instead of them, see `train_many`."""
    group: Any = None
    """The label of the network's samples, where `train_many` was given ``groups``."""

    def __post_init__(self) -> None:
        if self.reduce is not None:  # likewise
            name, shape, dtype = self.reduce
            object.__setattr__(self, "reduce", Reduction(name, tuple(shape), dtype))
        for name in ("hidden_size", "activation", "bias", "schedule", "snapshots"):
            if isinstance(getattr(self, name), list):  # from JSON
                object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def carries(self) -> str | None:
        """What goes on from update to update, see `networks.carried`."""
        if self.optimizer == "adam":
            return ADAM
        return VELOCITY if has_any(self.momentum) else None

    def after(self, done: int) -> "Settings":
        """Those of the rest, after so many epochs."""
        later = [epoch - done for epoch in self.snapshots or () if epoch >= done]
        rest = self.schedule and self.schedule[done:]
        return self.changed(
            epochs=self.epochs - done, schedule=rest, snapshots=tuple(later) or None
        )

    def changed(self, **values: Any) -> "Settings":
        """As `dataclasses.replace`, which takes ten times as long for so many fields."""
        new = object.__new__(Settings)
        new.__dict__.update(self.__dict__, **values)
        return new

    @property
    def recorded(self) -> int:
        """Epochs whose losses are recorded."""
        return -(-self.epochs // self.record_every) if self.record_every else 0

    @property
    def waits(self) -> Any:
        """Epochs without improvement after which training stops; 0 for none."""
        return 0 if self.patience is None else self.patience * self.validate_every

    def validations(self, epochs: Any) -> Any:
        """How many validations there are in so many epochs."""
        return epochs // self.validate_every if self.validate_every else 0

    def architecture(self, inputs: int, outputs: int) -> Architecture:
        """That of networks with so many inputs and outputs."""
        hidden = self.hidden_size if isinstance(self.hidden_size, tuple) else (self.hidden_size,)
        sizes = (inputs, *hidden, outputs)
        return Architecture.of(sizes, self.activation, self.output, self.bias)


class Reduction(NamedTuple):
    """What is known of a function ``reduce`` of `train_many`."""

    name: str
    shape: tuple[int, ...]  # of what it makes of the losses of a network
    dtype: str


class Like(NamedTuple):
    """What settings that were left out are taken from."""

    architecture: Architecture
    dtype: Any


def settings_of(like: Like | None, given: dict[str, Any]) -> Settings:
    """`check_settings`; what it took before it is not asked again, which takes 6 us."""
    values = tuple(given.values())
    kinds = tuple(map(type, values))  # True is 1, and no integer
    if PLAIN.issuperset(kinds):
        return _settings_of(like, tuple(given), values, kinds)
    return check_settings(like, **given)


PLAIN = {int, float, str, bool, type(None), type}


@lru_cache(256)
def _settings_of(like: Like | None, names: Any, values: Any, kinds: Any) -> Settings:
    return check_settings(like, **dict(zip(names, values, strict=True)))


def check_settings(
    like: Any,
    *,
    hidden_size: Any,
    epochs: int,
    learning_rate: Any,
    momentum: Any,
    batch_size: int | None,
    shuffle: bool,
    seed: Any,
    init: str,
    init_range: Any,
    dtype: Any,
    tolerance: float | None,
    stop_when_solved: bool,
    optimizer: str = "sgd",
    nesterov: bool = False,
    beta1: Any = None,
    beta2: Any = None,
    epsilon: Any = None,
    l2: Any = 0.0,
    reduction: str = "sum",
    schedule: Any = None,
    stop_when_diverged: bool = True,
    snapshots: Any = None,
    record_penalty: bool = False,
    validated: bool = False,
    validate_every: int = 1,
    patience: Any = None,
    activation: Any = None,
    output: Any = None,
    loss: str = "mse",
    bias: bool | None = None,
    record_every: int | None = 1,
    many: bool = False,
) -> Settings:
    """The settings; ``like`` has an architecture and a dtype, or is None.

    ``many``: what may differ between networks comes and goes as arrays.
    """
    real, whole = (checks.reals, checks.integers) if many else (checks.real, checks.integer)
    if dtype is None:
        dtype = like.dtype if like else np.float64
    dtype = checks.float_type("dtype", dtype)
    model = like.architecture if like else TUTORIALS
    sizes = check_hidden_size(model.hidden_size if hidden_size is None else hidden_size)
    if activation is None:
        activation = model.activation if like and len(sizes) == len(model.sizes) - 2 else "sigmoid"
    output = checks.choice("output", model.output if output is None else output, OUTPUTS)
    has_bias = model.bias if bias is None else checks.boolean("bias", bias)
    loss = checks.choice("loss", loss, LOSSES)
    if loss not in LOSSES_OF[output]:
        expected = " or ".join(map(repr, LOSSES_OF[output]))
        raise ValueError(f"loss must be {expected} with output={output!r}, got {loss!r}")
    checks.choice("init", init, INITS)
    if (init == "uniform") != (init_range is not None):
        expected = "a number" if init == "uniform" else "None"
        raise ValueError(f"init_range must be {expected} with init={init!r}, got {init_range!r}")
    if tolerance is not None:
        tolerance = checks.real("tolerance", tolerance, dtype)
        if not dtype(tolerance) > 0:
            raise ValueError(f"tolerance must be above 0, got {tolerance}")
    elif checks.boolean("stop_when_solved", stop_when_solved):
        raise ValueError("stop_when_solved must have a tolerance, such as 0.5, got None")
    if patience is not None and not validated:
        raise ValueError(f"patience must be None without validation, got {patience}")
    epochs = checks.integer("epochs", epochs, low=0, high=LONGEST)
    return Settings(
        hidden_size=sizes[0] if len(sizes) == 1 else sizes,
        epochs=epochs,
        learning_rate=real("learning_rate", learning_rate, dtype),
        schedule=check_schedule(schedule, epochs, dtype),
        snapshots=_check_snapshots(snapshots, epochs),
        validate_every=_check_validate_every(validate_every, validated),
        patience=None if patience is None else whole("patience", patience, low=1, high=MOST),
        record_penalty=checks.boolean("record_penalty", record_penalty),
        batch_size=None if batch_size is None else checks.integer("batch_size", batch_size, low=1),
        shuffle=checks.boolean("shuffle", shuffle),
        seed=whole("seed", seed, low=0, high=2**32 - 1),
        init=init,
        init_range=None if init_range is None else real("init_range", init_range, dtype, low=0),
        dtype=dtype.__name__,
        tolerance=tolerance,
        stop_when_solved=checks.boolean("stop_when_solved", stop_when_solved),
        stop_when_diverged=checks.boolean("stop_when_diverged", stop_when_diverged),
        record_every=(
            None
            if record_every is None
            else checks.integer("record_every", record_every, low=1, high=LONGEST)
        ),
        activation=short(check_activation(activation, len(sizes))),
        output=output,
        loss=loss,
        bias=has_bias,
        **check_optimizer(
            dtype, real, optimizer=optimizer, momentum=momentum, nesterov=nesterov, l2=l2,
            reduction=reduction, beta1=beta1, beta2=beta2, epsilon=epsilon,
        ),
    )  # fmt: skip


def _check_validate_every(validate_every: int, validated: bool) -> int | None:
    validate_every = checks.integer("validate_every", validate_every, low=1, high=MOST)
    if not validated and validate_every != 1:
        raise ValueError(f"validate_every must be 1 without validation, got {validate_every}")
    return validate_every if validated else None


def _check_snapshots(snapshots: Any, epochs: int) -> tuple[int, ...] | None:
    """In order, each once; None where there are none."""
    if snapshots is None or np.size(snapshots) == 0:
        return None
    array = checks.integers("snapshots", snapshots, low=0, high=epochs)
    return tuple(np.unique(array).tolist())
