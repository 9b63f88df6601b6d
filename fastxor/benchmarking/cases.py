"""What is measured: the cases of the benchmarks and of ``fastxor bench``, and the engines."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastxor import agreement, data, reference, textbook
from fastxor.common.checks import Array
from fastxor.networks.network import Network
from fastxor.networks.starting import starting_network
from fastxor.runs.run import Run
from fastxor.sweeps.many import train_many
from fastxor.training import single as training

DTYPES = ("float64", "float32")
EPOCHS = (100, 1_000, 10_000, 100_000)
# ns per update, and per sample and parameter: guesses, to plan what to measure how often
COST = {
    "textbook": (50_000, 5.0), "reference": (200_000, 40.0), "fastxor": (100, 0.5),
    "NumPy": (20_000, 5.0), "JAX": (200, 2.0), "PyTorch": (200_000, 2.0),
    "scikit-learn": (200_000, 4.0),
}  # fmt: skip
# ns per network, sample and parameter, with many networks
COST_OF_MANY = {"fastxor": 0.2, "JAX": 0.5, "JAX vmap": 2.5}


@dataclass(frozen=True)
class Case:
    """A network and its samples: n of them, as I-H-O; XOR where they are four.

    Or many networks that are trained at once, on the same samples.
    """

    n: int
    sizes: tuple[int, int, int]
    dtype: str = "float64"
    batch_size: int | None = None
    networks: int | None = None

    def data(self) -> tuple[Array, Array]:
        """X (n, I) and y (n, O) in the dtype."""
        I, _, O = self.sizes
        random = np.random.default_rng(0)
        X, y = random.random((self.n, I)), random.random((self.n, O))
        if (self.n, I, O) == (4, 2, 1):
            X, y = data.xor()
        return X.astype(self.dtype), y.astype(self.dtype)

    def batches(self) -> list[tuple[Array, Array]]:
        """Consecutive slices of X and y; the last one may be shorter."""
        X, y = self.data()
        size = min(self.batch_size or self.n, self.n)
        return [(X[i : i + size], y[i : i + size]) for i in range(0, self.n, size)]

    @property
    def start(self) -> Network:
        return starting_network(42, self.sizes, np.dtype(self.dtype).type)

    @property
    def learning_rate(self) -> float:
        """0.1 for four samples, as in the tutorial, and less for larger batches."""
        return 0.4 / max(4, min(self.batch_size or self.n, self.n))

    def guess(self, engine: str) -> float:
        """The seconds that an epoch may take."""
        I, H, O = self.sizes
        batch_size = min(self.batch_size or self.n, self.n)
        size = (I + 1) * H + (H + 1) * O
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
        return f"{networks}{'-'.join(map(str, self.sizes))}, n={self.n:,}{batches}, {self.dtype}"


def _each_dtype(*cases: tuple[Any, ...]) -> list[Case]:
    return [Case(n, sizes, dtype, batch_size) for n, sizes, batch_size in cases for dtype in DTYPES]


XOR = _each_dtype((4, (2, 2, 1), None))
HIDDEN_SIZES = (2, 8, 32, 128)
FULL_BATCHES = _each_dtype(
    *((4**k, (2, H, 1), None) for H in HIDDEN_SIZES for k in range(9))  # 1 to 65,536 samples
)
MINI_BATCHES = _each_dtype(
    *((65_536, (2, H, 1), size) for H in (2, 32) for size in (1, 16, 64, 256, 1024, 4096))
)
# as many samples as iris, breast cancer and digits have
TABLES = _each_dtype(
    *(
        (n, sizes, batch_size)
        for n, sizes in ((150, (4, 8, 3)), (569, (30, 16, 1)), (1797, (64, 32, 10)))
        for batch_size in (None, 32)
    )
)
NETWORKS = (64, 1_024, 16_384, 131_072)
MANY = [replace(case, networks=count) for count in NETWORKS for case in XOR]

TOLERANCE = {"float64": 1e-12, "float32": 5e-5}
"""Relative difference of a loss that rounding may make in a few epochs, on any of the cases."""

Training = Callable[[], Array]
"""Trains from the start, returns the losses of all epochs."""


def _textbook(case: Case, epochs: int) -> Training:
    X, y = case.data()
    start = case.start.arrays
    rate = np.dtype(case.dtype).type(case.learning_rate)
    return lambda: np.array(textbook.train(X, y, start, epochs=epochs, learning_rate=rate)[1])


def _contract(engine: Any) -> Callable[..., Training]:
    def prepare(case: Case, epochs: int, threads: int | None = None) -> Training:
        X, y = case.data()
        settings = {
            "initial": case.start, "epochs": epochs, "learning_rate": case.learning_rate,
            "batch_size": case.batch_size, "threads": threads,
        }  # fmt: skip
        return lambda: engine.train(X, y, **settings).losses

    return prepare


ENGINES: dict[str, Callable[..., Training]] = {
    "textbook": _textbook,
    "reference": _contract(reference),
    "fastxor": _contract(training),
}
"""Each makes a `Training` for a case and a number of epochs, ready to be timed.

The textbook trains by full batches only.
"""


def many(case: Case, epochs: int, **settings: Any) -> Training:
    """Likewise, of many networks: the last losses. Seeds are part of the work."""
    X, y = case.data()
    call: dict[str, Any] = {
        "seed": np.arange(case.networks or 1), "epochs": epochs, "dtype": case.dtype,
        "learning_rate": case.learning_rate, "hidden_size": case.sizes[1],
        "batch_size": case.batch_size, "tolerance": None,
    }  # fmt: skip
    return lambda: train_many(X, y, **call | settings).final_loss


def check_bits_of_many(case: Case) -> str:
    """Compare some of the networks with the reference, likewise."""
    X, y = case.data()
    call: dict[str, Any] = {
        "epochs": 20, "hidden_size": case.sizes[1], "learning_rate": case.learning_rate,
        "dtype": case.dtype, "tolerance": 0.5,
    }  # fmt: skip
    runs = train_many(X, y, seed=np.arange(case.networks or 1), record_every=1, **call)
    for seed in range(0, len(runs), max(1, len(runs) // 4)):
        expected, run = reference.train(X, y, seed=seed, **call), runs[seed]
        assert isinstance(run, Run)
        if names := agreement.differing(run, expected):
            raise AssertionError(f"{case}: network {seed} differs in {names}")
    return "bits"


def check_bits(case: Case) -> str:
    """Compare reference and kernel, every bit; of fewer samples and epochs than are measured.

    Raises AssertionError where they differ.
    """
    case, epochs = case.small()
    result = agreement.compare(
        *case.data(), show=False, initial=case.start, epochs=epochs,
        learning_rate=case.learning_rate, batch_size=case.batch_size,
    )  # fmt: skip
    if not result.agree:
        raise AssertionError(f"{case}: {result}")
    return "bits"


def check_losses(case: Case, prepare: Callable[[Case, int], Training]) -> str:
    """Compare losses with the reference's, within `TOLERANCE`, likewise."""
    case, epochs = case.small()
    losses, expected = prepare(case, epochs)(), ENGINES["reference"](case, epochs)()
    difference = float(np.abs(losses / expected - 1).max())
    if not difference <= TOLERANCE[case.dtype]:
        raise AssertionError(f"{case}: losses differ by {difference:.1e}")
    return f"losses within {TOLERANCE[case.dtype]:g}"


def record(
    table: str, engine: str, case: Case, epochs: int, seconds: tuple[float, float], **more: Any
) -> dict[str, Any]:
    """What the report needs to know of a measurement: the shortest and the median ``seconds``.

    They are told per epoch in the table "epochs", per epoch and network in those of many
    networks, and per sample in all others.
    """
    per, count = ("epoch", epochs) if table == "epochs" else ("sample", epochs * case.n)
    if case.networks:
        per, count = "epoch and network", epochs * case.networks
    shortest, median = (time / count * 1e9 for time in seconds)
    return {
        "table": table, "engine": engine, "variant": "", "sizes": "-".join(map(str, case.sizes)),
        "dtype": case.dtype, "n": case.n, "batch_size": case.batch_size, "epochs": epochs,
        "threads": None, "networks": case.networks, "ns": shortest, "ns_median": median,
        "per": per, "checked": "not checked",
    } | more  # fmt: skip
