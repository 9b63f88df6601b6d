"""The settings of an optimizer, and their checks."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.networks.stack import broadcast

OPTIMIZERS = ("sgd", "adam")
REDUCTIONS = ("sum", "mean")
OF_ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
"""Its own, and what they are where they are left out: those of its paper."""


def check_optimizer(
    dtype: Any,
    real: Callable[..., Any],
    *,
    optimizer: str,
    momentum: Any,
    nesterov: bool,
    l2: Any,
    reduction: str,
    **of_adam: Any,
) -> dict[str, Any]:
    """These settings; ``real``: `checks.real` or, where they may differ, `checks.reals`."""
    optimizer = checks.choice("optimizer", optimizer, OPTIMIZERS)
    momentum, nesterov = real("momentum", momentum, dtype), checks.boolean("nesterov", nesterov)
    found = {"optimizer": optimizer, "momentum": momentum, "nesterov": nesterov}
    for name, default in OF_ADAM.items():
        value = of_adam[name]
        if optimizer != "adam":
            if value is not None:
                raise ValueError(f"{name} must be None with optimizer='sgd', got {value!r:.60}")
            found[name] = None
            continue
        found[name] = value = real(name, default if value is None else value, dtype, low=0)
        if name == "epsilon" and not np.all(np.asarray(value).astype(dtype) > 0):
            raise ValueError(f"epsilon must be above 0, got {np.min(value)}")
        if name != "epsilon" and not np.all(np.asarray(value).astype(dtype) < 1):
            raise ValueError(f"{name} must be below 1, got {np.max(value)}")
    if optimizer == "adam":
        if np.any(momentum):
            got = np.max(np.abs(momentum))
            raise ValueError(f"momentum must be 0 with optimizer='adam', got {got}")
        if nesterov:
            raise ValueError("nesterov must be False with optimizer='adam', got True")
    reduction = checks.choice("reduction", reduction, REDUCTIONS)
    return found | {"l2": real("l2", l2, dtype, low=0), "reduction": reduction}


def check_layer_rates(factors: Any, layers: int, dtype: Any, many: bool) -> Any:
    """A factor of the learning rate for each layer: a tuple or, of many networks, an array of them
    in its last dimension."""
    if factors is None:
        return None
    if not isinstance(factors, (tuple, list)) or len(factors) != layers:
        got = (
            f"{len(factors)} of them" if isinstance(factors, (tuple, list)) else f"{factors!r:.60}"
        )
        expected = f"a tuple of {layers} factors, one for each layer"
        raise (ValueError if got.endswith("them") else TypeError)(
            f"layer_rates must be {expected}, got {got}"
        )
    names = [f"layer_rates[{number}]" for number in range(layers)]
    if not many:
        return tuple(map(checks.real, names, factors, [dtype] * layers))
    arrays = [checks.reals(name, each, dtype) for name, each in zip(names, factors, strict=True)]
    broadcast({name: array.shape for name, array in zip(names, arrays, strict=True)})
    return np.stack(np.broadcast_arrays(*arrays), axis=-1)


def check_schedule(schedule: Any, epochs: int, dtype: Any) -> tuple[float, ...] | None:
    """The factors of these epochs; of a callable, what it gives for the array 0, 1, ..."""
    if schedule is None:
        return None
    if callable(schedule):
        schedule = schedule(np.arange(epochs))
    factors = checks.reals("schedule", schedule, dtype) if epochs or np.size(schedule) else schedule
    if np.shape(factors) != (epochs,):
        expected = f"a factor for each epoch, ({epochs},), or a function of their numbers"
        raise ValueError(f"schedule must be {expected}, got shape {np.shape(factors)}")
    return tuple(np.asarray(factors).tolist())
