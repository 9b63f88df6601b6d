"""``fastxor map --movie``: pictures of a map that zoom to a point, resumable frame by frame."""

import argparse
import json
import os
import shutil
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import numpy as np

from fastxor import __version__
from fastxor.cli.map import about, axes, bound, picture, size_of
from fastxor.cli.results import print_json
from fastxor.cli.samples import Samples
from fastxor.common import checks
from fastxor.common.files import written_whole
from fastxor.common.progress import progress_bar
from fastxor.maps import Map
from fastxor.maps.axes import Axis

SECOND = 12  # frames
WRITERS = {".gif": "pillow", ".mp4": "ffmpeg"}


def check(chart: Map, arguments: argparse.Namespace) -> tuple[float, float]:
    """The point to zoom to; raises ValueError for options that do not go together."""
    if arguments.zoom_to is None:
        raise ValueError("--movie must go with --zoom-to X,Y")
    if arguments.save is not None or arguments.store is not None:
        raise ValueError("--movie must not go with --save or --store")
    if _writer(arguments.movie) not in _available():
        expected = " or ".join(f"{ending}" for ending in WRITERS)
        got = arguments.movie
        raise ValueError(f"--movie must end in {expected} (.mp4 needs ffmpeg installed), got {got}")
    checks.integer("--frames", arguments.frames, low=2)
    if not 0 < arguments.zoom_by < 1:
        raise ValueError(f"--zoom-by must be between 0 and 1, got {arguments.zoom_by}")
    try:
        across, up = arguments.zoom_to.split(",")
    except ValueError:
        raise ValueError(f"--zoom-to must be X,Y, got {arguments.zoom_to!r}") from None
    target = tuple(
        bound("--zoom-to", axis.name, text) for axis, text in ((chart.x, across), (chart.y, up))
    )
    for axis, at in zip((chart.x, chart.y), target, strict=True):
        if axis.name == "seed":
            raise ValueError("--movie must have axes that can be zoomed, not seeds")
        if not axis.low < at < axis.high:
            got = f"{at!r}, not between {axis.low!r} and {axis.high!r}"
            raise ValueError(f"--zoom-to must lie in the map, got {axis.name} {got}")
    return target[0], target[1]


def film(
    chart: Map, target: tuple[float, float], samples: Samples, arguments: argparse.Namespace,
    progress: bool,
) -> int:  # fmt: skip
    """Train, draw and write all frames; those that are there already are left.

    They lie beside the movie, in FILE.frames, until it is written.
    """
    columns, rows = size_of(arguments.size)
    folder, first = f"{arguments.movie}.frames", None
    windows = [*zoomed(chart, target, arguments.frames, arguments.zoom_by)]
    windows[-1].values(columns, rows)  # are its steps too small? before any work
    _claim(folder, _told(chart, windows, columns, rows, arguments.grey))
    with progress_bar(len(windows), progress, "frames") as report:
        for number, window in enumerate(windows):
            path = _frame(folder, number)
            if not os.path.exists(path):
                runs = window.train(columns, rows)
                first = first or about(window, runs)
                figure = picture(window, runs, arguments.grey)
                with written_whole(path) as file:
                    figure.savefig(file, format="png")
            report(number + 1)
    _write(arguments.movie, [_frame(folder, number) for number in range(len(windows))])
    shutil.rmtree(folder)
    last = windows[-1]
    if arguments.json:
        print_json("map", samples, axes(chart), {
            "frames": [axes(window) for window in windows],
            "networks": len(windows) * columns * rows, "saved": [arguments.movie],
        })  # fmt: skip
        return 0
    print(f"{chart.title}: {first}" if chart.title and first else chart.title or first or "")
    print(f"{arguments.movie}: {len(windows)} frames of {columns} x {rows} networks, the last of")
    for axis in (last.x, last.y):
        print(f"  {axis.name} from {axis.low!r} to {axis.high!r}")
    return 0


def zoomed(chart: Map, target: tuple[float, float], frames: int, by: float) -> Iterator[Map]:
    """A map for each frame, ``by`` times that of before; the target stays where it is in it."""
    for number in range(frames):
        scale = by**number
        yield chart.zoomed(_part(chart.x, target[0], scale), _part(chart.y, target[1], scale))


def _part(axis: Axis, target: float, scale: float) -> tuple[float, float]:
    """From a low to a high, around the target."""
    if axis.log:
        low, high = np.log([axis.low / target, axis.high / target]) * scale
        return float(target * np.exp(low)), float(target * np.exp(high))
    return target + (axis.low - target) * scale, target + (axis.high - target) * scale


def _told(chart: Map, windows: list[Map], columns: int, rows: int, grey: bool) -> str:
    """What decides the frames."""
    arrays = [*chart.samples, *(a for a in chart.weights or () if a is not None)]
    digest = sha256(b"".join(np.ascontiguousarray(array, float).tobytes() for array in arrays))
    last = windows[-1]
    told: dict[str, Any] = {
        "version": __version__, "title": chart.title, "x": vars(chart.x), "y": vars(chart.y),
        "last": [vars(last.x), vars(last.y)], "settings": chart.settings, "frames": len(windows),
        "size": [columns, rows], "grey": grey, "arrays": digest.hexdigest(),
    }  # fmt: skip
    return json.dumps(told, indent=2, sort_keys=True, default=repr) + "\n"


def _claim(folder: str, told: str) -> None:
    """Begin a folder of frames, or go on with the one that is there."""
    path = os.path.join(folder, "movie.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() != told:
                raise ValueError(
                    f"{folder} holds frames of another movie: delete it, or choose another FILE"
                )
        return
    os.makedirs(folder)
    with written_whole(path) as whole:
        whole.write(told.encode())


def _frame(folder: str, number: int) -> str:
    return os.path.join(folder, f"frame-{number:04}.png")


def _writer(path: str) -> str:
    return WRITERS.get(os.path.splitext(path)[1].lower(), "")


def _available() -> list[str]:
    from matplotlib.animation import writers

    return list(writers.list())


def _write(path: str, frames: list[str]) -> None:
    from matplotlib.animation import writers
    from matplotlib.figure import Figure
    from matplotlib.image import imread

    images = map(imread, frames)
    height, width = imread(frames[0]).shape[:2]
    figure = Figure(figsize=(width / 100, height / 100), dpi=100)
    writer = writers[_writer(path)](fps=SECOND)
    whole, ending = os.path.splitext(path)
    unfinished = f"{whole}.unfinished{ending}"
    with writer.saving(figure, unfinished, dpi=100):
        for image in images:
            figure.clear()
            figure.figimage(image)
            writer.grab_frame()
    os.replace(unfinished, path)
