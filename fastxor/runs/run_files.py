"""`Runs` in a file: an ``.npz`` of plain arrays."""

import json
import os
from typing import Any

import numpy as np

from fastxor.common import npz
from fastxor.common.checks import Array
from fastxor.networks.architecture import Architecture
from fastxor.networks.stack import own_dimensions
from fastxor.runs.fields import VARIED, architecture_in, checked, fields_of, varied, varied_in
from fastxor.runs.settings import Settings


def write(path: str | os.PathLike[str], runs: Any) -> None:
    """Write ``runs``; whole or not at all."""
    arrays: dict[str, Any] = runs.state | varied(runs.settings)
    scalars = {k: v for k, v in vars(runs.settings).items() if k not in VARIED}
    beside = {"problem": runs.problem}
    if not runs.settings.keep_networks:
        beside["sizes"] = runs.architecture.sizes
    arrays["settings"] = np.array(json.dumps(scalars | beside))
    npz.write(path, arrays)


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Array], Settings, Architecture, str]:
    """What `Runs.of_state` takes.

    Raises OSError where the file cannot be read, ValueError where it holds no such thing.
    """
    arrays = npz.read(path)
    try:
        scalars = json.loads(str(arrays.pop("settings")))
        problem, sizes = scalars.pop("problem"), scalars.pop("sizes", None)
        values = {name: arrays.pop(name) for name in VARIED if name in arrays}
        shape = values["seed"].shape
        settings = Settings(**scalars, **varied_in(values, shape))
        if settings.keep_networks:
            architecture = architecture_in(arrays, settings)
            arrays |= checked(arrays, architecture)
        else:
            architecture = settings.architecture(sizes[0], sizes[-1])
        fields = fields_of(settings, architecture)
        if arrays.keys() != fields.keys():
            raise ValueError(f"it must have {', '.join(fields)}, got {', '.join(arrays)}")
        shapes = {name: array.shape for name, array in (arrays | varied(settings)).items()}
        for name, found in shapes.items():
            own = fields[name][0] if name in fields else found[len(found) - own_dimensions(name) :]
            expected = shape + own
            if name == "layer_rates":
                expected = *shape, len(architecture.layers)
            if found != expected:
                raise ValueError(f"{name} must have shape {expected}, got {found}")
        return arrays, settings, architecture, problem
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{os.fspath(path)} holds no saved runs: {error}") from None
