"""The settings of a run, and their checks."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fastxor.networks.architecture import (
    Activation,
    Architecture,
)
from fastxor.networks.carried import ADAM, VELOCITY
from fastxor.networks.stack import has_any

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
    scales: tuple[float, ...] | None = None
    """What the sums of each layer are multiplied with before its function."""
    optimizer: str = "sgd"
    nesterov: bool = False
    beta1: Any = None  # float, with "adam" only, as the next two
    beta2: Any = None
    epsilon: Any = None
    l2: Any = 0.0  # float
    layer_rates: Any = None  # tuple of floats
    """Factors of the learning rate, one for each layer. As an array (..., layers)."""
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
    keep_networks: bool = True
    group: Any = None
    """The label of the network's samples, where `train_many` was given ``groups``."""

    def __post_init__(self) -> None:
        if self.reduce is not None:  # likewise
            name, shape, dtype = self.reduce
            object.__setattr__(self, "reduce", Reduction(name, tuple(shape), dtype))
        tuples = (
            "hidden_size", "activation", "bias", "scales", "schedule", "snapshots", "layer_rates",
        )  # fmt: skip
        for name in tuples:
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
        return Architecture.of(sizes, self.activation, self.output, self.bias, self.scales)


class Reduction(NamedTuple):
    """What is known of a function ``reduce`` of `train_many`."""

    name: str
    shape: tuple[int, ...]  # of what it makes of the losses of a network
    dtype: str


class Like(NamedTuple):
    """What settings that were left out are taken from."""

    architecture: Architecture
    dtype: Any
