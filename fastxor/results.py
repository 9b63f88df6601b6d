"""`Runs`: what `train_many` returns."""

import json
import os
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from fastxor import npz
from fastxor.checks import Array
from fastxor.generators import state_of
from fastxor.network import PARAMETERS
from fastxor.networks import Networks, places_of, taken
from fastxor.runs import Run, Settings

VARIED = ("seed", "learning_rate", "momentum", "init_range")
"""The settings that may differ between the networks of `train_many`."""
RESULTS = ("final_loss", "epochs_done", "diverged_at", "solved_at", "losses")


@dataclass(eq=False, repr=False)
class Runs:
    """What `train_many` returns: a run for each network; ``runs[i, j]`` is one, a `Run`.

    All arrays have the shape of the seeds and rates, broadcast, in front.
    """

    networks: Networks
    """The networks as they are now; NaN where training has not begun, after an interruption."""
    settings: Settings
    """Seeds, rates and ranges as arrays."""
    final_loss: Array
    """The loss of the last epoch, before its update, or of that at which a network was left as
    solved; NaN without any epoch."""
    epochs_done: Array
    """Epochs behind a network; fewer than asked for where it was left as solved, or diverged."""
    diverged_at: Array
    """The epoch whose loss or update is not finite, or -1. The network is the one before it."""
    solved_at: Array | None
    """The first epoch in which, before its update, every output was nearer to its target than
    ``tolerance``; -1 if there was none. None without a tolerance."""
    losses: Array | None
    """(..., recorded epochs): of epochs 0, k, 2k, ... with ``record_every=k``; NaN where training
    had ended. None without."""
    problem: str
    """A digest of samples and starting weights, so that they are the same when resumed."""

    @classmethod
    def blank(cls, settings: Settings, sizes: tuple[int, int, int], problem: str) -> "Runs":
        """Runs that have not begun, in the shape of the settings' seeds."""
        T, shape, (I, H, O) = np.dtype(settings.dtype), settings.seed.shape, sizes
        every = settings.record_every

        def parameters() -> list[Array]:
            shapes = [(I, H), (1, H), (H, O), (1, O)]
            return [np.full(shape + each, np.nan, T) for each in shapes]

        try:
            return cls(
                Networks(
                    *parameters(),
                    velocity=tuple(parameters()) if np.any(settings.momentum) else None,
                    generators=np.zeros((*shape, 6), np.uint64) if settings.shuffle else None,
                ),
                settings,
                final_loss=np.full(shape, np.nan, T),
                epochs_done=np.zeros(shape, np.int64),
                diverged_at=np.full(shape, -1, np.int64),
                solved_at=None if settings.tolerance is None else np.full(shape, -1, np.int64),
                losses=np.full((*shape, -(-settings.epochs // every)), np.nan, T)
                if every
                else None,
                problem=problem,
            )
        except (MemoryError, ValueError):  # so large that NumPy cannot count its bytes
            raise MemoryError(
                f"no memory for {np.prod(shape, dtype=float):,.0f} networks"
            ) from None

    def __repr__(self) -> str:
        return f"<Runs of shape {self.shape}, {self.done.sum():,} done: {self.networks!r}>"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.final_loss.shape

    def __len__(self) -> int:
        return len(self.final_loss)

    @property
    def done(self) -> Array:
        """(...): is training at its end? It is for all, but after an interruption."""
        done: Array = (self.epochs_done == self.settings.epochs) | (self.diverged_at >= 0)
        done |= self._stopped
        return done

    @property
    def _stopped(self) -> Any:
        """(...): was the network left as solved?"""
        if self.solved_at is None or not self.settings.stop_when_solved:
            return np.zeros(self.shape, bool)
        return (self.solved_at >= 0) & (self.solved_at == self.epochs_done)

    @cached_property
    def _places(self) -> Array:
        return places_of(self.shape)

    def __getitem__(self, index: Any) -> "Run | Runs":
        places = self._places[index]
        if np.ndim(places):
            return self.take(places)
        one = self.take(places)
        if np.isnan(one.networks.b2).all():
            raise ValueError(f"network {index} has not begun: the runs were interrupted before")
        settings, network = self.settings_of(places), one.networks.one(0)
        if settings.momentum == 0:
            network.velocity = None  # only others have one
        losses = np.zeros(0, network.dtype)
        if one.losses is not None and settings.record_every:
            counted = int(one.epochs_done) + bool(one._stopped)
            losses = one.losses[: -(-counted // settings.record_every)].copy()
        solved_at = None if one.solved_at is None else int(one.solved_at)
        return Run(network, losses, settings, solved_at)

    def take(self, places: Any) -> "Runs":
        """A copy of those at ``places``, numbers in C order."""
        results: dict[str, Any] = {
            name: value if value is None else taken(value, name == "losses", places)
            for name in RESULTS
            for value in [getattr(self, name)]
        }
        values: dict[str, Any] = {n: taken(v, 0, places) for n, v in varied(self.settings).items()}
        settings = replace(self.settings, **values)
        return Runs(self.networks.take(places), settings, **results, problem=self.problem)

    def settings_of(self, place: int) -> Settings:
        """The settings of the network at this place, in C order."""
        arrays = varied(self.settings)
        values: dict[str, Any] = {n: taken(array, 0, place).item() for n, array in arrays.items()}
        return replace(self.settings, **values)

    def put(self, places: Array, some: "Runs") -> None:
        """Take over the state of ``some``, which came from `take`."""
        mine, theirs = (runs._state() for runs in (self, some))
        for (array, trailing), (values, _) in zip(mine, theirs, strict=True):
            lead = array.shape[: array.ndim - trailing]
            array[np.unravel_index(places, lead) if lead else ...] = values if lead else values[0]

    def _state(self) -> list[tuple[Array, int]]:
        """All arrays that training changes, and how many dimensions are a network's own."""
        networks = self.networks
        arrays = [(array, 2) for array in (*networks.arrays, *(networks.velocity or ()))]
        arrays += [] if networks.generators is None else [(networks.generators, 1)]
        results = [(getattr(self, name), name == "losses") for name in RESULTS]
        return arrays + [(array, int(own)) for array, own in results if array is not None]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all to ``path``, an ``.npz`` of plain arrays; whole or not at all."""
        networks, settings = self.networks, asdict(self.settings)
        arrays: dict[str, Any] = dict(zip(PARAMETERS, networks.arrays, strict=True))
        for name, array in zip(PARAMETERS, networks.velocity or (), strict=False):
            arrays[f"velocity_{name}"] = array
        more: dict[str, Any] = {"generators": networks.generators}
        more |= {name: settings.pop(name) for name in VARIED}
        more |= {name: getattr(self, name) for name in RESULTS}
        arrays |= {name: array for name, array in more.items() if array is not None}
        arrays["settings"] = np.array(json.dumps(settings | {"problem": self.problem}))
        npz.write(path, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Runs":
        """What `save` wrote to ``path``.

        Raises OSError where the file cannot be read, ValueError where it holds no such thing.
        """
        arrays = npz.read(path)
        try:
            scalars = json.loads(str(arrays.pop("settings")))
            problem = scalars.pop("problem")
            values: dict[str, Any] = {name: arrays.pop(name) for name in VARIED[:3]}
            settings = Settings(**scalars, **values, init_range=arrays.pop("init_range", None))
            velocity = tuple(
                arrays.pop(f"velocity_{name}")
                for name in PARAMETERS
                if f"velocity_{name}" in arrays
            )
            networks = Networks(
                *(arrays.pop(name) for name in PARAMETERS), velocity=velocity or None,
                generators=arrays.pop("generators", None),
            )  # fmt: skip
            results: dict[str, Any] = {name: arrays.pop(name, None) for name in RESULTS}
            for name, array in (results | varied(settings)).items():
                shape = None if array is None else array.shape[: array.ndim - (name == "losses")]
                if shape not in (None, networks.shape):
                    raise ValueError(f"{name} must have shape {networks.shape}, got {shape}")
            return cls(networks, settings, **results, problem=problem)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{os.fspath(path)} holds no saved runs: {error}") from None

    def enter(self, k: int, run: Run, diverged_at: int = -1) -> None:
        """Take over a run that went on from the state of network k; of runs of shape (k,)."""
        network, before = run.network, int(self.epochs_done[k])
        for array, values in zip(self.networks.arrays, network.arrays, strict=True):
            array[k] = values
        if self.networks.velocity is not None:
            # zeros where its momentum is zero, but that of others is not
            velocity = network.velocity or [np.zeros_like(array) for array in network.arrays]
            for array, values in zip(self.networks.velocity, velocity, strict=True):
                array[k] = values
        if self.networks.generators is not None:
            self.networks.generators[k] = state_of(network.generator)
        stopped = False
        if self.solved_at is not None and run.solved_at is not None and run.solved_at >= 0:
            stopped = self.settings.stop_when_solved
            if self.solved_at[k] < 0:
                self.solved_at[k] = before + run.solved_at
        self.epochs_done[k] = before + len(run.losses) - stopped
        self.diverged_at[k] = diverged_at
        if len(run.losses):
            self.final_loss[k] = run.losses[-1]
        every = self.settings.record_every
        if self.losses is not None and every:
            first = -(-before // every)
            recorded = run.losses[first * every - before :: every]
            self.losses[k, first:] = np.nan
            self.losses[k, first : first + len(recorded)] = recorded

    def forget_losses(self, places: Array, last: Array) -> None:
        """Of networks at these places, those that were recorded after epoch ``last`` (k,)."""
        every = self.settings.record_every
        if self.losses is not None and every and len(places):
            epochs = np.arange(self.losses.shape[1]) * every
            self.losses[places] = np.where(epochs <= last[:, None], self.losses[places], np.nan)


def varied(settings: Settings) -> dict[str, Array]:
    """Those of `VARIED` that there are."""
    values = {name: getattr(settings, name) for name in VARIED}
    return {name: value for name, value in values.items() if value is not None}
