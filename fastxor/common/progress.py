"""A progress bar on standard error."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from fastxor.forks import not_forking


def progress_bar(
    total: int, show: bool, what: str = "epochs"
) -> AbstractContextManager[Callable[[float], None]]:
    """A function to call with the number of epochs done; it does nothing unless ``show``.

    The bar tells how many are done, how many in a second, and the time that is left.
    """
    return _bar(total, what) if show else NO_BAR


NO_BAR: AbstractContextManager[Callable[[float], None]] = nullcontext(lambda done: None)


@contextmanager
def _bar(total: int, what: str) -> Iterator[Callable[[float], None]]:
    with not_forking:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

    class RateColumn(TextColumn):
        def render(self, task: Any) -> Any:
            speed = task.finished_speed or task.speed
            task.fields["rate"] = "" if speed is None else f"{speed:,.0f}/s"
            return super().render(task)

    columns = (
        TextColumn(what), BarColumn(), MofNCompleteColumn(), RateColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    console, per_second = Console(stderr=True), 10.0
    if console.is_jupyter:
        # text, as rich's own way there needs ipywidgets, and warns without; it stays when saved
        console, per_second = Console(stderr=True, force_jupyter=False, force_terminal=True), 2.0
    with Progress(*columns, console=console, refresh_per_second=per_second) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
