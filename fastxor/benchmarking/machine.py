"""What a measurement was made on: the machine and the versions that matter."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = {"NumPy": "numpy", "Numba": "numba", "fastxor": "fastxor"}
"""Shown name: name in the registry of packages."""


def machine_info(packages: dict[str, str] = PACKAGES) -> dict[str, Any]:
    """As in the JSON of pytest-benchmark, and the versions of the installed ``packages``."""
    versions = {shown: _version(name) for shown, name in packages.items()}
    return {
        "cpu": {"brand_raw": _processor(), "count": os.cpu_count()},
        "system": platform.system(),
        "python_version": platform.python_version(),
        "versions": {name: number for name, number in versions.items() if number},
    }


def describe(info: dict[str, Any]) -> str:
    """In one line. What is not known is left out."""
    cpu = info.get("cpu") or {}
    parts = [cpu.get("brand_raw")]
    parts += [f"{cpu['count']} cores"] if cpu.get("count") else []
    parts += [info.get("system")]
    parts += [f"Python {info['python_version']}"] if info.get("python_version") else []
    parts += [f"{name} {number}" for name, number in (info.get("versions") or {}).items()]
    return ", ".join(filter(None, parts)) or "unknown machine"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
