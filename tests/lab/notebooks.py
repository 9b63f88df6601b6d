"""Notebooks are stored with their outputs: ``python -m tests.lab.notebooks`` makes them anew.

It runs every notebook of ``examples``; `test_notebooks` runs them likewise and compares. What a
cell prints must not differ between machines or runs, except where it is tagged "varies".
"""

import copy
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def executed(notebook: Any, folder: Path) -> Any:
    """A copy with new outputs, run in ``folder`` by a kernel that imports this checkout.

    Raises CellExecutionError where a cell does.
    """
    fresh = copy.deepcopy(notebook)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder / "ipython")}
    environment.pop("MPLBACKEND", None)  # the kernel's own shows pictures
    client = NotebookClient(
        fresh, kernel_name="python3", timeout=600, coalesce_streams=True, record_timing=False,
        extra_arguments=["--log-level=ERROR"],  # it warns of what concerns networks alone
        resources={"metadata": {"path": str(folder)}},
    )  # fmt: skip
    client.execute(env=environment)
    fresh.metadata = copy.deepcopy(notebook.metadata)  # without this Python's version
    return fresh


def differences(stored: Any, fresh: Any) -> list[str]:
    """What is not up to date in the stored notebook; an empty list if all is."""
    cells = [pair for pair in zip(stored.cells, fresh.cells, strict=True) if _is_code(pair[0])]
    return [
        f"cell {old.id}: {difference}"
        for count, (old, new) in enumerate(cells, 1)
        for difference in _cell_differences(old, new, count)
    ]


def _is_code(cell: Any) -> bool:
    return bool(cell.cell_type == "code")


def _cell_differences(old: Any, new: Any, count: int) -> list[str]:
    found = []
    if old.execution_count != count:
        found.append(f"execution count {old.execution_count}, not {count}")
    if any(output.output_type == "error" for output in old.outputs):
        found.append("an error")
    kinds = [[_kind(output) for output in cell.outputs] for cell in (old, new)]
    if kinds[0] != kinds[1]:
        return [*found, f"outputs {kinds[0]}, now {kinds[1]}"]
    for before, now in zip(old.outputs, new.outputs, strict=True):
        if _text(before) != _text(now) and "varies" not in old.metadata.get("tags", []):
            found.append(f"text {_text(before)!r}, now {_text(now)!r}")
        sizes = len(_picture(before)), len(_picture(now))
        if max(sizes) > 2 * min(sizes):
            found.append(f"a picture of {sizes[0]:,} characters, now of {sizes[1]:,}")
    return found


def _kind(output: Any) -> str:
    details = [output.name] if output.output_type == "stream" else sorted(output.get("data", {}))
    return ", ".join([output.output_type, *details])


def _text(output: Any) -> str:
    text: str = output.get("text") or output.get("data", {}).get("text/plain", "")
    return text


def _picture(output: Any) -> str:
    """The PNG, in base64."""
    picture: str = output.get("data", {}).get("image/png", "")
    return picture


def write(path: Path) -> None:
    """Run the notebook and store it with what comes out."""
    with TemporaryDirectory() as folder:
        nbformat.write(executed(read(path), Path(folder)), path)


if __name__ == "__main__":
    for path in NOTEBOOKS:
        write(path)
