"""`Network`: the parameters of one network, its predictions and its file."""

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastxor.common import checks, generators, npz
from fastxor.common.checks import Array
from fastxor.networks.predictions import outputs_of

PARAMETERS = ("W1", "b1", "W2", "b2")


@dataclass(eq=False)
class Network:
    """A network of I inputs, H sigmoid hidden units and O sigmoid outputs.

    W1 (I, H), b1 (1, H), W2 (H, O) and b2 (1, O) are copied to arrays of one dtype: float32
    if all four are, else float64. ``velocity`` is what momentum carries from one update to
    the next, four arrays of the same shapes; None without momentum. ``generator`` is what
    shuffles the samples of the next epoch, a `numpy.random.Generator` of PCG64, copied too; None
    without shuffling. With them, training that starts from this network goes on as if it had
    never stopped.

    Raises ValueError or TypeError, naming the array, for shapes that do not match and for
    what is not a finite real number.
    """

    W1: Array
    b1: Array
    W2: Array
    b2: Array
    velocity: tuple[Array, ...] | None = field(default=None, kw_only=True)
    generator: np.random.Generator | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        given = [checks.numbers(name, getattr(self, name)) for name in PARAMETERS]
        dtype = np.float32 if all(array.dtype == np.float32 for array in given) else np.float64
        (inputs, hidden), outputs = given[0].shape, given[2].shape[1]
        shapes = [(inputs, hidden), (1, hidden), (hidden, outputs), (1, outputs)]
        for name, array, shape in zip(PARAMETERS, given, shapes, strict=True):
            setattr(self, name, _checked(name, array, shape, dtype))
        if self.velocity is not None:
            if not isinstance(self.velocity, (tuple, list)) or len(self.velocity) != len(given):
                raise ValueError(f"velocity must be four arrays, got {self.velocity!r:.60}")
            self.velocity = tuple(
                _checked(
                    f"velocity {name}",
                    checks.numbers(f"velocity {name}", array),
                    shape,
                    dtype,
                )
                for name, array, shape in zip(PARAMETERS, self.velocity, shapes, strict=True)
            )
        if self.generator is not None:
            self.generator = generators.with_state(generators.state_of(self.generator))

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """W1, b1, W2, b2."""
        return self.W1, self.b1, self.W2, self.b2

    @property
    def dtype(self) -> Any:
        """np.float64 or np.float32."""
        return self.W1.dtype.type

    @property
    def sizes(self) -> tuple[int, int, int]:
        """I, H, O: inputs, hidden units, outputs."""
        return self.W1.shape[0], self.W1.shape[1], self.W2.shape[1]

    def predict_proba(self, X: Any) -> Array:
        """The outputs (n, O) for the samples X (n, I), between 0 and 1, in the network's dtype.

        Raises ValueError or TypeError for bad samples, OverflowError where a sum inside the
        network is not a number.
        """
        outputs: Array = outputs_of(tuple(array[None] for array in self.arrays), X)[0]
        if np.isnan(outputs.min()):
            row = np.argwhere(np.isnan(outputs))[0, 0]
            raise OverflowError(f"the sums inside the network overflow for row {row} of X")
        return outputs

    def predict(self, X: Any) -> Array:
        """The classes (n, O), 0 or 1, for the samples X (n, I): is the output above 0.5?"""
        return (self.predict_proba(X) > 0.5).astype(int)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to ``path``, an ``.npz`` of plain arrays; whole or not at all."""
        arrays = dict(zip(PARAMETERS, self.arrays, strict=True))
        for name, array in zip(PARAMETERS, self.velocity or (), strict=False):
            arrays[f"velocity_{name}"] = array
        if self.generator is not None:
            arrays["generator"] = generators.state_of(self.generator)
        npz.write(path, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Network":
        """The network that `save` wrote to ``path``.

        Raises OSError where the file cannot be read, ValueError where it holds no network.
        """
        try:
            arrays = npz.read(path)
            names = [f"velocity_{name}" for name in PARAMETERS if f"velocity_{name}" in arrays]
            velocity = tuple(arrays.pop(name) for name in names)
            state = arrays.pop("generator", None)
            generator = None if state is None else generators.with_state(state)
            if arrays.keys() != set(PARAMETERS):
                expected = ", ".join(PARAMETERS)
                raise ValueError(f"it must have {expected}, got {', '.join(arrays) or 'none'}")
            return cls(**arrays, velocity=velocity or None, generator=generator)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{os.fspath(path)} holds no saved network: {error}") from None


def _checked(name: str, array: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    checks.finite(name, array, dtype)
    return array.astype(dtype)
