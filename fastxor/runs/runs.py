"""`Runs`: what `train_many` returns."""

import os
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.networks.predictions import classes_of
from fastxor.networks.stack import Networks, compact, own_dimensions, places_at, taken
from fastxor.runs.fields import (
    RESULTS,
    Fields,
    best_of,
    blank_array,
    networks_in,
    settings_at,
    settings_of_one,
    snapshots_of,
    varied,
)
from fastxor.runs.groups import outputs_by_group
from fastxor.runs.html import html_of_runs
from fastxor.runs.run import Run
from fastxor.runs.run_files import read, write
from fastxor.runs.settings import Settings


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
    solved_at: Any  # array or None, as all below: checkers would want a look at each use
    """The first epoch in which, before its update, every output was nearer to its target than
    ``tolerance``; -1 if there was none. None without a tolerance."""
    losses: Any
    """(..., recorded epochs): of epochs 0, k, 2k, ... with ``record_every=k``; NaN where training
    had ended. None without."""
    snapshot_parameters: Any
    """(..., snapshots, parameters): W1, b1, ..., WL, bL of each, one after another, at the epochs
    of ``settings.snapshots``; NaN where training did not get there. None without. See `snapshots`.
    """
    validation_losses: Any
    """(..., validations): of samples that are held out, after ``settings.validate_every`` epochs,
    after twice as many, and so on; NaN where training had ended. None without."""
    best_parameters: Any
    """(..., parameters): those with the least of these; NaN where there is none. See `best`."""
    best_loss: Any
    """That loss; infinite where there is none, None without validation."""
    best_epoch: Any
    """The epochs behind it; 0 where there is none, None without validation."""
    reductions: Any
    """(..., numbers): what was made of the losses, flat. None without. See `reduced`."""
    problem: str
    """A digest of samples and starting weights, so that they are the same when resumed."""
    _repr_html_ = html_of_runs

    @classmethod
    def blank(
        cls, settings: Settings, fields: Fields, architecture: Architecture, problem: str
    ) -> "Runs":
        """Runs that have not begun, in the shape of the settings' seeds."""
        shape = settings.seed.shape
        state = {name: blank_array(name, fields, shape) for name in fields}
        return cls.of_state(state, settings, architecture, problem)

    @classmethod
    def of_state(
        cls, state: dict[str, Array], settings: Settings, architecture: Architecture, problem: str
    ) -> "Runs":
        """Runs whose arrays are those of ``state``, see `state`; of what is not there, None."""
        results: dict[str, Any] = {name: state.get(name) for name in RESULTS}
        networks = networks_in(state, settings, architecture)
        return Runs(networks, settings, **results, problem=problem)

    @property
    def state(self) -> dict[str, Array]:
        """All arrays that training changes, by the names that they have in files."""
        results = {name: getattr(self, name) for name in RESULTS}
        results = {name: array for name, array in results.items() if array is not None}
        return (self.networks.state if self.settings.keep_networks else {}) | results

    @property
    def architecture(self) -> Architecture:
        return self.networks.architecture

    @property
    def snapshots(self) -> dict[int, Networks]:
        """The networks at the epochs of ``settings.snapshots``."""
        return snapshots_of(self.snapshot_parameters, self.settings, self.architecture)

    @property
    def reduced(self) -> Any:
        """(..., ...): what ``reduce`` made of the losses of each network; NaN, or 0 of integers,
        where it is not done. None without."""
        if self.reductions is None:
            return None
        return np.asarray(self.reductions).reshape(*self.shape, *self.settings.reduce.shape)

    @property
    def best(self) -> Networks | None:
        """The networks with the least validation loss; NaN where there is none."""
        return best_of(self.best_parameters, self.architecture)

    def __repr__(self) -> str:
        return f"<Runs of shape {self.shape}, {self.done.sum():,} done: {self.networks!r}>"

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.settings.seed.shape)

    def __len__(self) -> int:
        return len(self.settings.seed)

    @property
    def done(self) -> Array:
        """(...): is training at its end? It is for all, but after an interruption."""
        done: Array = (self.epochs_done == self.settings.epochs) | (self.diverged_at >= 0)
        done |= self.left_as_solved
        if self.best_epoch is not None and self.settings.patience is not None:
            done |= self.epochs_done == self.best_epoch + self.settings.waits
        return done

    @property
    def finished(self) -> int:
        """How many networks are done."""
        return int(np.count_nonzero(self.done))

    @property
    def left_as_solved(self) -> Any:
        """(...): was the network left as solved?"""
        if self.solved_at is None or not self.settings.stop_when_solved:
            return np.zeros(self.shape, bool)
        return (self.solved_at >= 0) & (self.solved_at == self.epochs_done)

    @cached_property
    def groups(self) -> Any:
        """(groups,): the labels of the samples, sorted; None where `train_many` was given none."""
        return None if self.settings.group is None else np.unique(compact(self.settings.group))

    def of(self, label: Any) -> Any:
        """The run of the network of a group: all such `Runs` where there are several.

        Raises KeyError for a label that there is not.
        """
        where = np.zeros(self.shape, bool) if self.groups is None else self.settings.group == label
        if not np.any(where):
            raise KeyError(f"there is no group {label!r}")
        if len(self.shape) == np.count_nonzero(where) == 1:
            return self[int(where.argmax())]
        last = int(np.argwhere(where)[0, -1])
        return self[..., last] if where[..., last].all() else self[where]

    def predict_proba(self, X: Any, groups: Any) -> Array:
        """The outputs (..., n, O) for samples X (n, I), of each by the network of its group.

        ``groups``: their labels (n,), or the name of a column of X. For networks in shape
        (..., groups), as `train_many` returns them. Raises ValueError or TypeError for other
        samples, KeyError for a label that there is not.
        """
        return outputs_by_group(self, X, groups)

    def predict(self, X: Any, groups: Any) -> Array:
        """What they say (..., n, O), as `Network.predict`."""
        return classes_of(self.predict_proba(X, groups), self.settings.output)

    def __getitem__(self, index: Any) -> Any:
        """A `Run` where ``index`` chooses one, else a copy of those `Runs`."""
        places = places_at(self.shape, index)
        some = self.take(places)
        return some if isinstance(places, np.ndarray) else some._one(index)

    def _one(self, index: Any) -> Run:
        """The one run that these are; ``index`` is where it was."""
        if not self.settings.keep_networks:
            raise ValueError(f"network {index} is not there: keep_networks was False")
        if np.isnan(self.networks.arrays[-1]).all():
            raise ValueError(f"network {index} has not begun: the runs were interrupted before")
        settings, network = self.settings_of(0), self.networks.one(0)
        if settings.momentum == 0:
            network.velocity = None  # only others have one
        losses = np.zeros(0, network.dtype)
        if self.losses is not None and settings.record_every:
            counted = int(self.epochs_done) + bool(self.left_as_solved)
            losses = self.losses[: -(-counted // settings.record_every)].copy()
        solved_at = None if self.solved_at is None else int(self.solved_at)
        reached = {at: one.one(0) for at, one in self.snapshots.items() if at <= self.epochs_done}
        return Run(network, losses, settings, solved_at, reached, **self._validation_of_one())

    def _validation_of_one(self) -> dict[str, Any]:
        if self.validation_losses is None or self.best is None:
            return {}
        best = self.best.one(0) if self.best_epoch else None
        losses = self.validation_losses[: self.settings.validations(int(self.epochs_done))].copy()
        return {"validation_losses": losses, "best": best, "best_epoch": int(self.best_epoch)}

    def take(self, places: Any) -> "Runs":
        """A copy of those at ``places``, numbers in C order."""
        state = {n: taken(a, own_dimensions(n), places) for n, a in self.state.items()}
        settings = settings_at(self.settings, places)
        return Runs.of_state(state, settings, self.architecture, self.problem)

    def flat(self) -> "Runs":
        """All of them in one dimension."""
        count, state = prod(self.shape), self.state
        for name, array in state.items():
            state[name] = array.reshape(count, *array.shape[array.ndim - own_dimensions(name) :])
        values: dict[str, Any] = {
            n: v.reshape(count, *v.shape[v.ndim - own_dimensions(n) :])
            for n, v in varied(self.settings).items()
        }
        settings = self.settings.changed(**values)
        return Runs.of_state(state, settings, self.architecture, self.problem)

    def settings_of(self, place: int) -> Settings:
        """The settings of the network at this place, in C order."""
        return settings_of_one(self.settings, place)

    def put(self, places: Array, state: dict[str, Array]) -> None:
        """Take over the `state` of what `take` gave for ``places`` (k,)."""
        for name, array in self.state.items():
            lead = array.shape[: array.ndim - own_dimensions(name)]
            values = state[name]
            array[np.unravel_index(places, lead) if lead else ...] = values if lead else values[0]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all to ``path``, an ``.npz`` of plain arrays; whole or not at all."""
        write(path, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Runs":
        """What `save` wrote to ``path``.

        Raises OSError where the file cannot be read, ValueError where it holds no such thing.
        """
        return cls.of_state(*read(path))
