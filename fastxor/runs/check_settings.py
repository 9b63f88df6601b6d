"""Checks of settings, and what they are where they are left out."""

from functools import lru_cache
from typing import Any

import numpy as np

from fastxor.common import checks
from fastxor.networks.architecture import (
    OUTPUTS,
    check_activation,
    check_hidden_size,
    check_scales,
    short,
)
from fastxor.networks.starting import INITS
from fastxor.runs.optimizers import check_layer_rates, check_optimizer, check_schedule
from fastxor.runs.settings import LONGEST, LOSSES, LOSSES_OF, MOST, TUTORIALS, Like, Settings


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
    layer_rates: Any = None,
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
    scales: Any = None,
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
    as_deep = like and len(sizes) == len(model.sizes) - 2
    if activation is None:
        activation = model.activation if as_deep else "sigmoid"
    if scales is None and as_deep:
        scales = model.scales
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
        scales=check_scales(scales, len(sizes) + 1, dtype),
        layer_rates=check_layer_rates(layer_rates, len(sizes) + 1, dtype, many),
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
