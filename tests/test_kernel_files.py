"""Compiled kernels on disk: found again, never loaded damaged or old, never in the way."""

import compileall
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.registry import cpu_target

import fastxor
from fastxor.kernels import faster, kernel_files, random_numbers, small, stacked
from fastxor.kernels.kernel_files import KernelFile, fingerprint
from tests.conftest import assert_same_bits, in_new_process
from tests.test_many import same_runs

PACKAGE = Path(fastxor.__file__).parent
X, Y = fastxor.xor()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where kernels are kept, as a new process would find it: nothing is in memory.

    Those of the tests are special ones, which are compiled sooner than general ones.
    """
    monkeypatch.setattr(kernel_files, "_folders", lambda: iter([str(tmp_path / "kernels")]))
    forget()
    with faster.special_kernels_at_once():
        yield tmp_path / "kernels"
    forget()


def forget():
    for function in (
        small.small_batch, stacked.stacked_batch, stacked._general, random_numbers._kernel,
        fingerprint, faster.faster,
    ):  # fmt: skip
        function.cache_clear()


def train_anew():
    forget()
    settings = {"hidden_size": 1, "epochs": 5, "init": "uniform", "init_range": 1}
    one = fastxor.train(X[:1], Y[:1], **settings)
    seeds = np.arange(5)
    return one, fastxor.train_many(X[:1], Y[:1], seed=seeds, tolerance=None, **settings)


def files_in(folder):
    """The identity of each file: another one if it was replaced."""
    return {path.name: path.stat().st_ino for path in sorted(folder.iterdir())}


def test_kernels_are_found_again_and_damaged_ones_replaced(folder, recwarn):
    """Kernels of all kinds; to the same bits, without a warning."""
    one, many = train_anew()
    before = files_in(folder)
    assert [name.split("-")[0] for name in before] == ["small", "stacked", "starts"]
    train_anew()
    assert files_in(folder) == before
    for path, damage in zip(sorted(folder.iterdir()), (cut, flipped, cut), strict=True):
        path.write_bytes(damage(path.read_bytes()))
    damaged = files_in(folder)
    again = train_anew()
    assert_same_bits(again[0], one)
    assert same_runs(again[1], many)
    replaced = files_in(folder)
    assert replaced.keys() == damaged.keys()
    assert not replaced.items() & damaged.items()
    train_anew()
    assert files_in(folder) == replaced
    assert not recwarn.list


def cut(data):
    return data[: len(data) // 2]


def flipped(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def test_no_byte_may_be_wrong(folder):
    """Of machine code, of what describes it and of the digest."""
    fastxor.train(X, Y, epochs=1)
    (path,) = folder.iterdir()
    data, file = path.read_bytes(), KernelFile(path.name.rsplit("-", 1)[0])
    assert file.load_overload(None, cpu_target.target_context) is not None
    for place in {*range(40), *range(0, len(data), len(data) // 200), len(data) - 1}:
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :])
        assert file.load_overload(None, cpu_target.target_context) is None
    for size in (0, 1, 31, 32, 33, len(data) - 1):
        path.write_bytes(data[:size])
        assert file.load_overload(None, cpu_target.target_context) is None
    path.write_bytes(data)
    path.rename(path.with_name(path.name.replace("small-", "tiled-")))
    other = KernelFile(file.name.rsplit("-", 1)[0].replace("small-", "tiled-"))
    assert other.load_overload(None, cpu_target.target_context) is None


def test_what_cannot_be_loaded_is_compiled_anew(folder, monkeypatch):
    """Such as what another build of numba has written, under the same version."""
    fastxor.train(X, Y, epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr(kernel_files, "dumps", lambda payload: b"no pickle")
        (path,) = folder.iterdir()
        path.unlink()
        forget()
        fastxor.train(X, Y, epochs=1)
    before = files_in(folder)
    forget()
    fastxor.train(X, Y, epochs=1)
    assert files_in(folder) != before


def test_a_full_disk_is_no_obstacle(folder, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    expected = fastxor.reference.train(X, Y, epochs=5)
    assert_same_bits(fastxor.train(X, Y, epochs=5), expected)
    assert not list(folder.iterdir())
    folder.rmdir()
    folder.touch()  # no folder at all
    forget()
    assert_same_bits(fastxor.train(X, Y, epochs=5), expected)


@pytest.mark.parametrize("name", kernel_files.OPTIMISATION)
def test_other_settings_of_the_compiler_are_other_kernels(name, monkeypatch):
    fingerprint.cache_clear()
    before = fingerprint()
    monkeypatch.setattr(numba.config, name, "other", raising=False)
    fingerprint.cache_clear()
    assert fingerprint() != before
    fingerprint.cache_clear()


# --- where the package may come from, and the kernels go ---------------------------------------
def as_zip(source, target):
    with zipfile.ZipFile(target / "fastxor.zip", "w") as archive:
        for path in source.rglob("*.py"):
            archive.write(path, Path("fastxor") / path.relative_to(source))
    return target / "fastxor.zip"


def without_sources(source, target):
    """As .pyc files only."""
    shutil.rmtree(target / "compiled", ignore_errors=True)
    shutil.copytree(source, target / "compiled" / "fastxor")
    assert compileall.compile_dir(target / "compiled", legacy=True, quiet=1)
    for path in (target / "compiled").rglob("*.py"):
        path.unlink()
    return target / "compiled"


@pytest.mark.slow
@pytest.mark.parametrize("packed", [as_zip, without_sources])
def test_packages_of_any_kind_keep_their_kernels_apart(packed, tmp_path):
    """And where no folder can be written to, kernels are compiled each time."""
    source = shutil.copytree(
        PACKAGE, tmp_path / "source", ignore=shutil.ignore_patterns("__pycache__")
    )
    blocked = tmp_path / "file"
    blocked.touch()

    def in_package(program, cache):
        start = (
            "from fastxor import train, xor\n"
            "from fastxor.agreement import digest\n"
            "from fastxor.kernels import kernel_files"
        )
        environment = {
            "PYTHONPATH": str(packed(source, tmp_path)), "NUMBA_CACHE_DIR": str(cache),
            "XDG_CACHE_HOME": str(blocked),
        }  # fmt: skip
        command = [sys.executable, "-c", f"{start}\nprint(kernel_files.__file__, {program})"]
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        where, result = done.stdout.split()
        assert where.startswith(str(tmp_path))
        return result

    expected = fastxor.compare(X, Y, epochs=5, show=False).digest
    train, cache = "digest(train(*xor(), epochs=5))", tmp_path / "cache"
    assert in_package(train, cache) == expected
    (kernel,) = (cache / "fastxor").iterdir()
    before = kernel.name.removesuffix(".kernel").rsplit("-", 1)[1]
    assert in_package("kernel_files.fingerprint()", cache) == before
    sums = source / "kernels" / "sums.py"
    sums.write_text(sums.read_text().replace("range(value.n)]", "range(value.n)][::1]"))
    assert in_package("kernel_files.fingerprint()", cache) not in (before, "None")
    assert in_package(train, blocked) == expected


def test_without_optimisation(tmp_path):
    """Kernels are kept and found again, but for one that holds addresses then; without warnings."""
    program = (
        "import fastxor, numpy\n"
        "from fastxor.kernels.random_numbers import random_numbers\n"
        "random_numbers('random_sample', numpy.arange(3), 4)\n"
        "print(fastxor.train(*fastxor.xor(), epochs=1001).losses[1000].round(5))\n"
    )
    for _ in range(2):
        output = in_new_process(
            program, "-W", "error", NUMBA_OPT="0", NUMBA_CACHE_DIR=str(tmp_path)
        )
        assert output == "0.24941\n"
    (kernel,) = tmp_path.rglob("*.kernel")
    assert kernel.name.startswith("general")
