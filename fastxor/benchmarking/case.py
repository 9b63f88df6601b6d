"""`Case`: what is trained in a benchmark, and how long it may take."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastxor import data
from fastxor.common.checks import Array
from fastxor.networks.architecture import Activation, Architecture
from fastxor.networks.network import Network
from fastxor.networks.starting import starting_network

# ns per update, and per sample and parameter: guesses, to plan what to measure how often
COST = {
    "textbook": (50_000, 5.0), "reference": (200_000, 40.0), "fastxor": (100, 0.5),
    "NumPy": (20_000, 5.0), "JAX": (200, 2.0), "PyTorch": (200_000, 2.0),
    "scikit-learn": (200_000, 4.0),
}  # fmt: skip
# ns per network, sample and parameter, with many networks
COST_OF_MANY = {"fastxor": 0.2, "JAX": 0.5, "JAX vmap": 2.5, "flax": 2.5}
# of Adam: others add it to what is corrected, which makes no difference where it is so small
EPSILON = 1e-15


@dataclass(frozen=True)
class Case:
    """A network and its samples: n of them, as I-H-O; XOR where they are four.

    Or many networks that are trained at once, on the same samples.
    """

    n: int
    sizes: tuple[int, ...]
    dtype: str = "float64"
    batch_size: int | None = None
    networks: int | None = None
    activation: Activation = "sigmoid"
    output: str = "sigmoid"
    loss: str = "mse"
    bias: bool = True
    optimizer: str = "sgd"

    def data(self) -> tuple[Array, Array]:
        """X (n, I) and y (n, O) in the dtype; of a softmax, y has a 1 in each row and zeros."""
        I, O = self.sizes[0], self.sizes[-1]
        random = np.random.default_rng(0)
        X, y = random.random((self.n, I)), random.random((self.n, O))
        if (self.n, I, O) == (4, 2, 1):
            X, y = data.xor()
        elif self.output == "softmax":
            y = np.eye(O)[y.argmax(axis=1)]
        return X.astype(self.dtype), y.astype(self.dtype)

    def batches(self) -> list[tuple[Array, Array]]:
        """Consecutive slices of X and y; the last one may be shorter."""
        X, y = self.data()
        size = min(self.batch_size or self.n, self.n)
        return [(X[i : i + size], y[i : i + size]) for i in range(0, self.n, size)]

    @property
    def architecture(self) -> Architecture:
        return Architecture.of(self.sizes, self.activation, self.output, self.bias)

    @property
    def sigmoids(self) -> bool:
        """Are all functions those of the tutorial?"""
        return set(self.architecture.activations) == {"sigmoid"}

    @property
    def functions(self) -> str:
        """What is not as in the tutorial, as "relu-softmax log loss"; "" where nothing is."""
        text = str(self.architecture).partition(" ")[2]
        text += " Adam" if self.optimizer == "adam" else ""
        text += "" if self.loss == "mse" else f" {self.loss.replace('_', ' ')}"
        return "" if text == "sigmoid" else text.removeprefix("sigmoid ")

    @property
    def is_tutorials(self) -> bool:
        """Is it a network that the textbook can train?"""
        return len(self.sizes) == 3 and not self.functions

    @property
    def terms(self) -> int:
        """How many terms the loss of an epoch is the mean of."""
        return self.n * (1 if self.output == "softmax" else self.sizes[-1])

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of `train` that are the case's own, but for its start."""
        settings = {
            "learning_rate": self.learning_rate, "batch_size": self.batch_size, "loss": self.loss,
        }  # fmt: skip
        if self.optimizer == "adam":
            settings |= {"optimizer": "adam", "epsilon": EPSILON}
        return settings

    @property
    def settings_of_many(self) -> dict[str, Any]:
        """Those of `train_many`, from seeds."""
        return self.settings | {
            "hidden_size": self.architecture.hidden_size, "activation": self.activation,
            "output": self.output, "bias": self.bias, "init": self.init, "dtype": self.dtype,
        }  # fmt: skip

    @property
    def init(self) -> str:
        """As in the tutorial, but where outputs might be large."""
        return "randn" if self.sigmoids else "glorot"

    @property
    def start(self) -> Network:
        return starting_network(42, self.architecture, np.dtype(self.dtype).type, self.init)

    @property
    def learning_rate(self) -> float:
        """0.1 for four samples, as in the tutorial, and less for larger batches.

        A tenth of it where gradients may be larger than those of sigmoids. That of its paper for
        Adam.
        """
        if self.optimizer == "adam":
            return 0.001
        rate = 0.4 if self.sigmoids else 0.04
        return rate / max(4, min(self.batch_size or self.n, self.n))

    def guess(self, engine: str) -> float:
        """The seconds that an epoch may take."""
        batch_size, size = min(self.batch_size or self.n, self.n), self.architecture.parameters
        if self.networks:
            return 1e-9 * COST_OF_MANY[engine] * self.networks * self.n * size
        step, sample = COST[engine]
        return 1e-9 * -(-self.n // batch_size) * (step + sample * size * batch_size)

    def epochs(self, engine: str, seconds: float = 0.1) -> int:
        """How many make about so many seconds, so that what a call costs hardly counts."""
        return int(min(100_000, max(1, seconds / self.guess(engine))))

    def small(self) -> tuple["Case", int]:
        """The same with fewer samples, but some batches, for so many epochs: for checks."""
        batches = 2 * min(self.batch_size or self.n, self.n) + 1  # and the beginning of one
        n = min(self.n, max(3_000, batches))
        return replace(self, n=n), max(1, min(5, 20_000 // n))

    def __str__(self) -> str:
        batches = f", batches of {self.batch_size:,}" if self.batch_size else ""
        networks = f"{self.networks:,} networks, " if self.networks else ""
        functions = f", {self.functions}" if self.functions else ""
        sizes = "-".join(map(str, self.sizes))
        return f"{networks}{sizes}{functions}, n={self.n:,}{batches}, {self.dtype}"
