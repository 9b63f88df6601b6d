"""The package's wings: who may import whom. Each one's door, ``__init__``, says what is there."""

import ast
from pathlib import Path

import pytest

import fastxor

PACKAGE = Path(fastxor.__file__).parent
# each imports only what stands above it here; what has no line is a module of its own, below
MAY_IMPORT = {
    "forks": set(),
    "interrupts": set(),
    "common": {"forks", "interrupts"},
    "contract": set(),
    "kernels": {"forks", "interrupts"},
    "textbook": {"common"},
    "exchange": {"common", "contract"},
    "networks": {"common", "contract", "exchange", "forks", "kernels"},
    "runs": {"common", "networks"},
    "data": {"common"},
    "reference": {"common", "contract", "networks", "runs"},
    "training": {"common", "forks", "interrupts", "kernels", "networks", "runs"},
    "agreement": {"common", "networks", "reference", "runs", "training"},
    "sweeps": {"common", "contract", "forks", "networks", "runs", "training"},
    "plot": {"common", "networks", "runs"},
    "maps": {"common", "contract", "data", "networks", "plot", "runs", "sweeps"},
    "sklearn": {"common", "forks", "networks", "runs", "training"},
    "benchmarking": {
        "agreement", "common", "data", "kernels", "networks", "reference", "runs", "sweeps",
        "textbook", "training",
    },
    "report": {"benchmarking"},
}  # fmt: skip
PUBLIC = ("__init__", "cli")  # may import all; nobody imports the command line but ``__main__``


def room_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports_of(path):
    """What a module imports, wherever in it: dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_who_imports_whom(path):
    room, names = room_of(path), list(imports_of(path))
    ours = {name.split(".")[1] for name in names if name.startswith("fastxor.")} - {room}
    if room == "__main__":
        assert ours == {"cli"}
    elif room not in PUBLIC:
        assert ours <= MAY_IMPORT[room] | {"__version__"}
    if room != "kernels":
        assert not [n for n in names if n.split(".")[0] in ("numba", "llvmlite")], (
            "jitted elsewhere"
        )
    if room == "contract":
        assert {name.split(".")[0] for name in names} <= {"fastxor", "numpy", "typing"}


def test_there_are_no_circles():
    """Neither of wings nor, within one, of modules."""
    names = list(MAY_IMPORT)
    for room, allowed in MAY_IMPORT.items():
        assert allowed <= set(names[: names.index(room)])
    dotted = {
        ".".join(("fastxor", *path.relative_to(PACKAGE).with_suffix("").parts)): path
        for path in MODULES
    }
    graph = {}
    for name, path in dotted.items():
        found = {n if n in dotted else n.rpartition(".")[0] for n in imports_of(path)}
        graph[name] = {n for n in found if n in dotted} - {name}
    while free := [name for name, others in graph.items() if not others & graph.keys()]:
        for name in free:
            del graph[name]
    assert not graph


def test_every_wing_has_a_door_that_says_what_is_there():
    wings = [path for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert len(wings) == 13
    for wing in wings:
        door = ast.parse((wing / "__init__.py").read_text())
        assert ast.get_docstring(door)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_rooms_are_small(path):
    assert len(path.read_text().splitlines()) <= 256
