"""Maps of where training works: two axes, and how many epochs each network takes until solved.

The classics are those of J. F. Kolen and J. B. Pollack, "Back Propagation is Sensitive to Initial
Conditions" (Advances in Neural Information Processing Systems 3, 1990, 860-867).
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import numpy as np

from fastxor import data
from fastxor.common import npz
from fastxor.common.arithmetic import ieee_arithmetic
from fastxor.common.checks import Array
from fastxor.maps.axes import Axis
from fastxor.maps.weights import Weights, by_unit, shown, starting_weights
from fastxor.networks.architecture import check_hidden_size
from fastxor.runs.fields import VARIED
from fastxor.runs.runs import Runs
from fastxor.sweeps.many import train_many


@dataclass(frozen=True, eq=False, repr=False)
class Map:
    """Networks to be trained until solved: x across and y up, all else the same.

    samples: X (n, I) and y (n, O).
    x, y: what varies.
    weights: W1 (I, H1), b1 (1, H1) and so on to WL, bL (1, O) to start from, None in place of
        biases where there are none, but for those that vary; by default they come from the seed.
    settings: others of `train_many`.
    title: for pictures.
    measure: a function of losses, ``reduce`` of `train_many`, which is drawn instead of when
        networks are solved; all are trained to the end, beyond the finite numbers, too.

    Raises ValueError where the axes do not go with each other or with the rest.
    """

    samples: tuple[Array, Array]
    x: Axis
    y: Axis
    weights: Weights | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    title: str = ""
    measure: Callable[[Array], Array] | None = None

    def __post_init__(self) -> None:
        if self.x.name == self.y.name:
            raise ValueError(f"the axes must differ, got {self.x.name} twice")
        for name in (self.x.name, self.y.name):
            if name in self.settings:
                raise ValueError(f"{name} must not be a setting, as it is an axis")
            if self.weights is not None and name in ("seed", "init_range"):
                raise ValueError(f"{name} must not be an axis with weights that are given")
            init = self.settings.get("init", "uniform")
            if name == "init_range" and init in ("glorot", "he"):
                raise ValueError(f"init must be 'uniform' with the axis init_range, got {init!r}")

    def __repr__(self) -> str:
        x, y = (
            f"{axis.name} from {axis.low:.12g} to {axis.high:.12g}" for axis in (self.x, self.y)
        )
        return f"<Map {self.title}{': ' if self.title else ''}{x}, {y}>"

    def zoomed(self, x: tuple[float, float], y: tuple[float, float]) -> "Map":
        """The same from other lows to other highs."""
        return replace(
            self, x=replace(self.x, low=x[0], high=x[1]), y=replace(self.y, low=y[0], high=y[1])
        )

    def values(self, columns: int, rows: int) -> tuple[Array, Array]:
        """Of x (columns,) and of y (rows,)."""
        dtype = np.dtype(self.settings.get("dtype") or np.float64)
        return self.x.values(columns, dtype), self.y.values(rows, dtype)

    @ieee_arithmetic()
    def call(self, columns: int, rows: int) -> dict[str, Any]:
        """The arguments for `train_many`, X and y too.

        What varies is an array (columns,) or (rows, 1), weights in stacks that broadcast.
        """
        X, targets = self.samples
        across, up = self.values(columns, rows)
        varied = {self.x.name: across, self.y.name: up[:, None]}
        settings = {n: values for n, values in varied.items() if n in VARIED}
        call = self.settings | settings | {"X": X, "y": targets}
        if self.measure is None:
            call["stop_when_solved"] = True
        else:
            call |= {"reduce": self.measure, "tolerance": None, "stop_when_diverged": False}
            call["keep_networks"] = False  # hundreds of times as much as what is drawn
        layers = {a.layer: varied[a.name] for a in (self.x, self.y) if a.layer is not None}
        if layers:
            call["layer_rates"] = self._layer_rates(call, layers)
        if "init_range" in settings:
            call["init"] = "uniform"
        if self.x.place or self.y.place or self.x.offset or self.y.offset or self.weights:
            call["initial"] = self._initial(call, varied)
        return call

    def _initial(self, call: dict[str, Any], varied: dict[str, Array]) -> list[Array | None]:
        """Stacked weights, with dimensions of more than 1 only where they vary."""
        arrays = list(self.weights or starting_weights(call))
        for axis in (self.x, self.y):
            if axis.place is None and axis.offset is None:
                continue
            which, row, column = axis.place or ((axis.offset or 1) - 1, 0, 0)
            array = arrays[which] if which < len(arrays) else None
            if array is None or not (row < array.shape[-2] and column < array.shape[-1]):
                raise ValueError(f"{axis.name} must be a weight of a network {shown(arrays)}")
            values = varied[axis.name]
            if axis.offset:
                arrays[which] = array + values[..., None, None]
                continue
            lead = np.broadcast_shapes(array.shape[:-2], values.shape)
            arrays[which] = array = np.broadcast_to(array, lead + array.shape[-2:]).copy()
            array[..., row, column] = values
        return arrays

    def _layer_rates(self, call: dict[str, Any], layers: dict[int, Array]) -> tuple[Any, ...]:
        """The factors of the settings, or 1, times what varies."""
        hidden = call.get("hidden_size")
        count = len(check_hidden_size(2 if hidden is None else hidden)) + 1
        factors: list[Any] = list(call.get("layer_rates") or [1.0] * count)
        for layer, values in layers.items():
            if layer >= len(factors):
                got = f"learning_rate{layer + 1}"
                raise ValueError(f"there are {len(factors)} layers, got {got} as an axis")
            factors[layer] = factors[layer] * values
        return tuple(factors)

    def train(self, columns: int = 200, rows: int | None = None, **more: Any) -> Runs:
        """Runs of shape (rows, columns), by one call of `train_many`; ``more`` of its arguments.

        An axis of seeds has as many as there are. Raises what `train_many` raises.
        """
        return train_many(**self.call(columns, columns if rows is None else rows) | more)

    def plot(self, runs: Any, ax: Any = None, **options: Any) -> Any:
        """`fastxor.plot.trainability` of what `train` returned, or `boundary` of what was
        measured, with this map's axes."""
        from fastxor.plot.boundary import boundary
        from fastxor.plot.maps import label, trainability

        across, up = self.values(runs.shape[1], runs.shape[0])
        x, y = label(self.x.name), label(self.y.name)
        draw = trainability if self.measure is None else boundary
        return draw(runs, ax, **{"x": (x, across), "y": (y, up)} | options)

    def save(self, path: str | os.PathLike[str], runs: Runs) -> None:
        """Write an ``.npz`` for `numpy.load`; whole or not at all.

        x (columns,), y (rows,): the values of the axes. solved_at (rows, columns) of int64, -1
        where a network was not solved; final_loss; done, False only after an interruption.
        settings: JSON with the title, the axes, the settings of `train_many`, the weights if they
        were given, W1, b1, W2 and so on, null where there are no biases, and the `digest`.
        With a measure, ``reduced`` (rows, columns, ...) is there in place of solved_at.
        """
        across, up = self.values(runs.shape[1], runs.shape[0])
        settings = {
            name: value for name, value in vars(runs.settings).items() if name not in VARIED
        }
        settings |= {
            name: value.flat[0].item()
            for name in VARIED
            if name not in (self.x.name, self.y.name, "layer_rates")
            and (value := getattr(runs.settings, name)) is not None
        }
        settings["layer_rates"] = self.settings.get("layer_rates")
        told = {
            "title": self.title,
            "x": vars(self.x),
            "y": vars(self.y),
            "settings": settings,
            "weights": self.weights and [a if a is None else a.tolist() for a in self.weights],
            "digest": digest(runs),
        }
        result = "solved_at" if self.measure is None else "reduced"
        npz.write(path, {
            "x": across, "y": up, result: np.asarray(getattr(runs, result)), "done": runs.done,
            "final_loss": runs.final_loss, "settings": np.array(json.dumps(told)),
        })  # fmt: skip


def digest(runs: Any) -> str:
    """SHA-256 of ``solved_at``, then ``final_loss``; or of ``reduced``, where losses were measured.

    Of each: its name, shape and dtype as a line, "solved_at (200, 200) int64" and a newline, then
    its bytes in C order, little-endian.
    """
    result = sha256()
    for name in ("solved_at", "final_loss") if runs.reduced is None else ("reduced",):
        array = np.asarray(getattr(runs, name))
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        result.update(f"{name} {array.shape} {array.dtype.name}\n".encode() + little.tobytes())
    return result.hexdigest()


def _kolen_and_pollack() -> dict[int, Map]:
    xor, parity = data.xor(), data.parity(3)
    title = "Kolen and Pollack (1990), figure {}"
    free = 0.0  # the two weights that are varied
    W3 = (-0.5, -0.3, 0.3, 0.6, free, -0.1, -0.6, 0.7, free)
    W11 = (0.7, 0.4, -0.9, -0.9, -0.5, free, -0.3, 0.9, free)
    W26 = (
        -0.34959000, 0.00560000, -0.26338813, 0.75501968, 0.47040862, -0.18438011, 0.46700363,
        -0.48619500, 0.62821201, -0.90039973, 0.48940201, -0.70239312, -0.95838741, 0.46940394,
        -0.73719884, 0.96140103,
    )  # fmt: skip
    across = Axis("b2[0]", -10.0, 10.0)
    return {
        3: Map(
            xor, across, Axis("W1[1,1]", -10.0, 10.0), by_unit(W3, (2, 2, 1)),
            {"epochs": 200, "learning_rate": 3.25, "momentum": 0.40}, title.format(3),
        ),
        11: Map(
            xor, across, Axis("b1[1]", -10.0, 10.0), by_unit(W11, (2, 2, 1)),
            {"epochs": 200, "learning_rate": 3.0, "momentum": 0.70}, title.format(11),
        ),
        26: Map(
            parity, Axis("learning_rate", 0.0, 4.0), Axis("momentum", 0.0, 1.25),
            by_unit(W26, (3, 3, 1)), {"epochs": 250, "hidden_size": 3}, title.format(26),
        ),
    }  # fmt: skip


CLASSICS = _kolen_and_pollack()
"""Figures 3, 11 and 26 of Kolen and Pollack."""
