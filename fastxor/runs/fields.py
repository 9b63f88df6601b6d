"""The arrays of `Runs`: their names, shapes and dtypes."""

from math import prod
from typing import Any, TypeAlias

import numpy as np

from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.networks.carried import ADAM, VELOCITY, carried_size
from fastxor.networks.stack import Networks, own_dimensions, spread, taken
from fastxor.runs.settings import Settings

VARIED = (
    "seed", "learning_rate", "momentum", "init_range", "beta1", "beta2", "epsilon", "l2",
    "patience", "layer_rates", "group",
)  # fmt: skip
"""The settings that may differ between the networks of `train_many`."""
RESULTS = (
    "final_loss", "epochs_done", "diverged_at", "solved_at", "losses", "snapshot_parameters",
    "validation_losses", "best_parameters", "best_loss", "best_epoch", "reductions",
)  # fmt: skip
BLANK = {
    "epochs_done": 0, "diverged_at": -1, "solved_at": -1, "generators": 0, "best_epoch": 0,
    "best_loss": np.inf,
}  # fmt: skip
"""What arrays hold of networks that have not begun; others NaN."""
Fields: TypeAlias = dict[str, tuple[tuple[int, ...], Any]]  # see `fields_of`


def fields_of(settings: Settings, architecture: Architecture) -> Fields:
    """For each array of `Runs.state`, the shape that is a network's own, and the dtype."""
    T, integer = np.dtype(settings.dtype), np.dtype(np.int64)
    fields: Fields = {}
    if settings.keep_networks:
        fields |= _fields_of_networks(settings, architecture, settings.carries)
    fields |= {"final_loss": ((), T), "epochs_done": ((), integer), "diverged_at": ((), integer)}
    if settings.tolerance is not None:
        fields["solved_at"] = (), integer
    if settings.reduce:
        fields["reductions"] = (prod(settings.reduce.shape),), np.dtype(settings.reduce.dtype)
    elif settings.record_every:
        fields["losses"] = (settings.recorded,), T
    if settings.snapshots:
        fields["snapshot_parameters"] = (len(settings.snapshots), architecture.parameters), T
    if settings.validate_every:
        fields["validation_losses"] = (settings.validations(settings.epochs),), T
        fields["best_parameters"] = (architecture.parameters,), T
        fields |= {"best_loss": ((), T), "best_epoch": ((), integer)}
    return fields


def _fields_of_networks(
    settings: Settings, architecture: Architecture, carries: str | None
) -> Fields:
    T = np.dtype(settings.dtype)
    fields: Fields = {name: (shape, T) for name, shape in architecture.shapes.items()}
    if carries == VELOCITY:
        fields |= {f"velocity_{name}": field for name, field in fields.items()}
    if carries == ADAM:
        fields[ADAM] = (carried_size(ADAM, architecture.parameters),), T
    if settings.shuffle:
        fields["generators"] = (6,), np.dtype(np.uint64)
    return fields


def blank_networks(
    settings: Settings, architecture: Architecture, shape: tuple[int, ...], carries: str | None
) -> Networks:
    """To be trained where networks are not kept."""
    fields = _fields_of_networks(settings, architecture, carries)
    return Networks.of_state({n: blank_array(n, fields, shape) for n in fields}, architecture)


def networks_in(
    state: dict[str, Array], settings: Settings, architecture: Architecture
) -> Networks:
    """Those of `Runs.state`; NaN, which take no memory, where they are not kept."""
    if settings.keep_networks:
        return Networks.of_state(state, architecture)
    nan, shape = np.full((), np.nan, settings.dtype), settings.seed.shape
    arrays = [np.broadcast_to(nan, shape + own) for own in architecture.shapes.values()]
    return Networks.of(arrays, architecture)


def blank_array(name: str, fields: Fields, shape: tuple[int, ...]) -> Array:
    """An array of `Runs.state`, of networks that have not begun."""
    own, dtype = fields[name]
    value = BLANK.get(name, np.nan if dtype.kind in "fc" else 0)
    try:
        array = np.empty(shape + own, dtype)
        array.fill(value)  # `np.full` takes ten times as long
        return array
    except (MemoryError, ValueError):  # so large that NumPy cannot count its bytes
        raise MemoryError(f"no memory for {np.prod(shape, dtype=float):,.0f} networks") from None


def snapshots_of(
    rows: Array | None, settings: Settings, architecture: Architecture
) -> dict[int, Networks]:
    """The networks at each epoch, of ``Runs.snapshot_parameters``."""
    if rows is None:
        return {}
    return {
        epoch: Networks.of(architecture.cut(rows[..., number, :]), architecture)
        for number, epoch in enumerate(settings.snapshots or ())
    }


def best_of(rows: Array | None, architecture: Architecture) -> Networks | None:
    """The networks of ``Runs.best_parameters``."""
    return None if rows is None else Networks.of(architecture.cut(rows), architecture)


def settings_at(settings: Settings, places: Any) -> Settings:
    """The settings of those at ``places``, numbers in C order."""
    values: dict[str, Any] = {
        n: taken(v, own_dimensions(n), places) for n, v in varied(settings).items()
    }
    return settings.changed(**values)


def settings_of_one(settings: Settings, place: int) -> Settings:
    """Those of the network at this place, in C order, as `train` takes them."""
    values: dict[str, Any] = {
        n: taken(array, 0, place).item()
        for n, array in varied(settings).items()
        if not own_dimensions(n)
    }
    if settings.layer_rates is not None:
        values["layer_rates"] = tuple(taken(settings.layer_rates, 1, place).tolist())
    return settings.changed(**values)


def varied_in(arrays: dict[str, Array], shape: tuple[int, ...]) -> dict[str, Any]:
    """Those of `VARIED` in a file, which has not all that there are, or where they are None."""
    found: dict[str, Any] = dict.fromkeys(VARIED) | {"l2": np.zeros(())}  # older files have no l2
    found |= {name: array for name, array in arrays.items() if name in VARIED}
    return {n: None if a is None else spread(n, a, tuple(shape)) for n, a in found.items()}


def varied(settings: Settings) -> dict[str, Array]:
    """Those of `VARIED` that there are."""
    values = {name: getattr(settings, name) for name in VARIED}
    return {name: value for name, value in values.items() if value is not None}


def architecture_in(arrays: dict[str, Array], settings: Settings) -> Architecture:
    """That of the networks in a file."""
    inputs = arrays["W1"].shape[-2]
    last = max(int(name[1:]) for name in arrays if name[0] == "W")
    return settings.architecture(inputs, arrays[f"W{last}"].shape[-1])


def checked(arrays: dict[str, Array], architecture: Architecture) -> dict[str, Array]:
    """The arrays of networks in a file; raises ValueError or TypeError where they are none."""
    named = Networks.of_state(arrays, architecture)
    given = architecture.arguments(named.arrays)
    return Networks(
        **given, velocity=named.velocity, adam=named.adam, generators=named.generators
    ).state
