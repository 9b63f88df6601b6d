"""What people train such networks with instead, each configured as well as we know how.

A peer has several variants and each is the fastest somewhere, so `prepare` tries them all.
They train from the case's start, by the same batches and the same summed gradients, on the
processor, and return the losses of all epochs. scikit-learn cannot: see
`with_scikit_learn`.
"""

import importlib.util
import time
from collections.abc import Callable

from benchmarks.peers import (
    many_with_flax,
    many_with_jax,
    with_jax,
    with_numpy,
    with_scikit_learn,
    with_torch,
)
from fastxor.benchmarking.cases import Case, Training

PEERS: dict[str, Callable[[Case, int], dict[str, Training]]] = {
    "NumPy": with_numpy.variants,
    "JAX": with_jax.variants,
    "PyTorch": with_torch.variants,
    "scikit-learn": with_scikit_learn.variants,
}
PEERS_OF_MANY: dict[str, Callable[[Case, int], dict[str, Training]]] = {
    "JAX": many_with_jax.by_hand,
    "JAX vmap": many_with_jax.vmap,
    "flax": many_with_flax.variants,
}
MODULES = {
    "NumPy": "numpy", "JAX": "jax", "JAX vmap": "jax", "flax": "flax", "PyTorch": "torch",
    "scikit-learn": "sklearn",
}  # fmt: skip
WITH_ADAM = ("JAX", "JAX vmap", "PyTorch")
COMPARABLE = ("NumPy", "JAX", "PyTorch")
"""Those whose losses must be the reference's within rounding."""


def installed(many: bool = False) -> list[str]:
    """The peers that are there, without importing any; of one network, or of many."""
    chosen = PEERS_OF_MANY if many else PEERS
    return [peer for peer in chosen if importlib.util.find_spec(MODULES[peer])]


def variants(peer: str, case: Case, epochs: int) -> dict[str, Training]:
    """All that make sense for the case, by label. They compile when they are first called."""
    return (PEERS_OF_MANY if case.networks else PEERS)[peer](case, epochs)


def prepare(peer: str, case: Case, epochs: int) -> tuple[str, Training]:
    """The label of the fastest variant here, and the variant, warm."""

    def shortest(training: Training) -> float:
        times: list[float] = []  # the first is that of compiling too
        while len(times) < 2 or (sum(times[1:]) < 0.3 and len(times) < 20):
            began = time.perf_counter()
            training()
            times.append(time.perf_counter() - began)
        return min(times)

    found = variants(peer, case, epochs)
    label = min(found, key=lambda label: shortest(found[label]))
    return label, found[label]
