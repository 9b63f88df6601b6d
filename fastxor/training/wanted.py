"""What settings ask of kernels, in the kernels' terms."""

from typing import Any

import numpy as np

from fastxor.common.checks import Array
from fastxor.kernels.compiling import ADAM, MOMENTUM, NESTEROV, OFF, PLAIN, STOP, WATCH, Wanted
from fastxor.networks.stack import has_any
from fastxor.runs.settings import Settings

ONE, NONE = ({T: np.ones(n, T) for T in (np.float64, np.float32)} for n in (1, 0))


def wanted_of(settings: Settings, carries: str | None, weighted: bool) -> Wanted:
    """What they are to do; what ``carries`` for some networks has to serve others with them."""
    watch = OFF
    if settings.tolerance is not None:
        watch = STOP if settings.stop_when_solved else WATCH
    return Wanted(
        log_loss=settings.loss == "log_loss",
        rule=_rule_of(settings, carries),
        l2=has_any(settings.l2),
        mean=settings.reduction == "mean",
        penalty=settings.record_penalty,
        layered=settings.layer_rates is not None,
        weighted=weighted,
        scheduled=settings.schedule is not None,
        validated=settings.validate_every is not None,
        watch=watch,
        endless=not settings.stop_when_diverged,
    )


def _rule_of(settings: Settings, carries: str | None) -> int:
    if settings.optimizer == "adam":
        return ADAM
    if carries is None:
        return PLAIN
    return NESTEROV if settings.nesterov else MOMENTUM


def rates_of(settings: Settings) -> list[Any]:
    """Those of `kernels.updates.Rates`: numbers, or arrays where they may differ."""
    momentum, beta2, epsilon = settings.momentum, 0.0, 0.0
    if settings.optimizer == "adam":
        momentum, beta2, epsilon = settings.beta1, settings.beta2, settings.epsilon
    return [settings.learning_rate, momentum, beta2, epsilon, settings.l2]


def layer_rates_of(settings: Settings) -> Array:
    """(layers,) or, of many networks, (..., layers): the learning rate of each, in the dtype."""
    T = np.dtype(settings.dtype)
    rates = np.asarray(settings.learning_rate, T)[..., None]
    return np.asarray(rates * np.asarray(settings.layer_rates, T))


def factors_of(settings: Settings, dtype: Any) -> Array:
    """Of the learning rate, for each epoch; or one for all."""
    return np.array(settings.schedule, dtype) if settings.schedule else ONE[dtype]
