"""`train_many(..., store=FOLDER)`: the bits of memory, whatever happens on the way."""

import errno
import json
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from fastxor import Interrupted, Network, Runs, StoredRuns, train, train_many
from fastxor.agreement import same_bits
from fastxor.sweeps import store_files as folder
from fastxor.sweeps import sweep
from fastxor.training import crew
from tests.conftest import assert_same_bits, weights
from tests.test_many import CALL, LONG, OTHERS, X, Y, same_runs

EVERY = {"seed": np.arange(10) + np.array([[0], [7]]), "epochs": 200}
KINDS = LONG | {
    "one": {"seed": 3},
    "no epochs": {"epochs": 0},
    "uniform": {"init": "uniform", "init_range": np.linspace(0, 2, 10), "dtype": "float32"},
    "many starts": {
        "seed": 0,
        "momentum": 0.5,
        "initial": [np.random.default_rng(1).random((2, 10, *shape))
                    for shape in [(2, 3), (1, 3), (3, 1), (1, 1)]],
    },
}  # fmt: skip


@pytest.fixture
def parts_of(monkeypatch):
    """Sets the number of networks of a part."""

    def choose(size):
        monkeypatch.setattr(sweep, "LARGEST", size)
        monkeypatch.setattr(sweep, "SHARE", 0)

    return choose


@pytest.fixture
def trained(monkeypatch):
    """The numbers of networks that were trained at once."""
    counts = []

    def noting(self, report, run=crew.Crew.run):
        counts.append(self.runs.done.size)
        run(self, report)

    monkeypatch.setattr(crew.Crew, "run", noting)
    return counts


def contents(path):
    return {file.name: file.read_bytes() for file in Path(path).iterdir()}


def part_paths(path):
    return sorted(Path(path).glob("part-*.npy"))


# --- bits --------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS)
def test_the_bits_are_those_of_memory(kind, parts_of, tmp_path):
    call = EVERY | KINDS[kind]
    whole = train_many(X, Y, **call)
    for size in (1000, 7):
        parts_of(size)
        stored = train_many(X, Y, store=tmp_path / str(size), **call)
        for runs in (stored, StoredRuns(tmp_path / str(size)), stored[...]):
            assert same_runs(runs, whole)
        assert stored.shape == whole.shape
        assert vars(stored.settings).keys() == vars(whole.settings).keys()
        assert stored.done.all()
    assert len(part_paths(tmp_path / "7")) == (1 if whole.shape == () else 3)


def test_velocities_without_momentum(parts_of, tmp_path):
    """Zeros among others that have it: side by side or, as the last two of the store, alone."""
    parts_of(9)
    call = EVERY | {"momentum": [[0.5], [0.0]]}
    whole = train_many(X, Y, **call)
    assert same_runs(train_many(X, Y, store=tmp_path, **call), whole)
    assert [array.any() for array in whole.networks.velocity[0]] == [True, False]


def test_some_of_a_store(parts_of, tmp_path):
    parts_of(7)
    call = EVERY | {"momentum": [[0.0], [0.5]], "record_every": 50}
    whole, runs = train_many(X, Y, **call), train_many(X, Y, store=tmp_path, **call)
    for index in [(1, 3), (0, -1), (1, 9)]:
        assert_same_bits(runs[index], whole[index])
        assert vars(runs[index].settings) == vars(whole[index].settings)
    for index in [1, slice(1), (slice(None), slice(None, None, 3)), ([0, 1], [5, 2]), (..., 4)]:
        assert type(runs[index]) is Runs
        assert same_runs(runs[index], whole[index])
    assert same_runs(runs[whole.solved_at < 0], whole[whole.solved_at < 0])
    parts = list(runs.parts())
    assert [len(part) for part in parts] == [7, 7, 6]
    assert not parts[0].networks.W1.flags.writeable, "not mapped"
    assert (np.concatenate([part.settings.seed for part in parts]) == EVERY["seed"].ravel()).all()
    assert len(runs) == 2
    assert "20) in" not in repr(runs)
    assert "3 of 3 parts" in repr(runs)
    assert same_runs(pickle.loads(pickle.dumps(runs)), whole)
    rest = train_many(X, Y, initial=runs, epochs=3)
    assert same_runs(rest, train_many(X, Y, initial=whole, epochs=3))
    runs.save(tmp_path / "all.npz")
    assert same_runs(Runs.load(tmp_path / "all.npz"), whole)
    with pytest.raises(IndexError):
        runs[2]
    with pytest.raises(AttributeError, match="StoredRuns has no attribute losess"):
        runs.losess  # noqa: B018


def test_opening_loads_nothing(tmp_path):
    """Of 200,000 networks, 24 MB: one of them takes what its settings take, and some more."""
    call = {"seed": np.arange(200_000).reshape(-1, 2), "epochs": 0}
    train_many(X, Y, store=tmp_path, **call)
    tracemalloc.start()
    runs = StoredRuns(tmp_path)
    assert runs[70_000, 1].settings.seed == 140_001
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
    assert sum(path.stat().st_size for path in part_paths(tmp_path)) > 20_000_000


# --- what is there, and what is missing ----------------------------------------------------------
def test_only_what_is_missing_is_trained(parts_of, trained, tmp_path):
    parts_of(4)
    whole = train_many(X, Y, **EVERY)
    train_many(X, Y, store=tmp_path, **EVERY)
    assert trained == [20, 4, 4, 4, 4, 4]
    trained.clear()
    paths, before = part_paths(tmp_path), contents(tmp_path)
    for path in paths[1::2]:
        path.unlink()
    half = StoredRuns(tmp_path)
    assert half.done.tolist() == (np.arange(20) // 4 % 2 == 0).reshape(2, 10).tolist()
    assert np.isnan(half.final_loss[~half.done]).all()
    with pytest.raises(ValueError, match=r"network \(0, 4\) has not begun"):
        half[0, 4]
    parts_of(3)  # has no say any more
    times = [path.stat().st_mtime_ns for path in paths[::2]]
    assert same_runs(train_many(X, Y, store=tmp_path, **EVERY), whole)
    assert trained == [4, 4]
    assert times == [path.stat().st_mtime_ns for path in paths[::2]]
    assert contents(tmp_path) == before
    train_many(X, Y, store=str(tmp_path), **EVERY)
    assert trained == [4, 4]


@pytest.mark.parametrize("name", OTHERS)
def test_another_call_is_refused(name, tmp_path):
    train_many(X, Y, store=tmp_path, **CALL)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=f"manifest.json must have the same .*{name}"):
        train_many(**{"X": X, "y": Y} | CALL | OTHERS[name], store=tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(("name", "value"), [("CONTRACT", 3), ("randn_digest", lambda: "other")])
def test_other_bits_are_refused(name, value, tmp_path, monkeypatch):
    """Of another version of the contract, or where seeds have other starting weights."""
    uniform = CALL | {"init": "uniform", "init_range": 1.0}
    train_many(X, Y, store=tmp_path / "randn", **CALL)
    train_many(X, Y, store=tmp_path / "uniform", **uniform)
    monkeypatch.setattr(sweep, name, value)
    expected = "manifest.json must be of the same origin.*got contract 2, randn .* and now contract"
    with pytest.raises(ValueError, match=expected):
        train_many(X, Y, store=tmp_path / "randn", **CALL)
    assert StoredRuns(tmp_path / "randn").done.all()
    if name == "CONTRACT":
        with pytest.raises(ValueError, match=r"got contract 2 and now contract 3"):
            train_many(X, Y, store=tmp_path / "uniform", **uniform)
    else:
        assert train_many(X, Y, store=tmp_path / "uniform", **uniform).done.all()


FIRST = Path(__file__).with_name("contract_1")  # written when that was the version: commit 4e8ab85
CALL_OF_FIRST = {
    "seed": np.arange(4) + np.array([[0], [7]]), "epochs": 20, "momentum": [[0.0], [0.5]],
    "record_every": 5, "init": "uniform", "init_range": 1.5,
}  # fmt: skip


def test_what_the_first_version_left_is_gone_on_with(trained, tmp_path):
    """A store, runs and a network, whose files name neither activations nor losses."""
    whole, store = train_many(X, Y, **CALL_OF_FIRST), tmp_path / "store"
    shutil.copytree(FIRST / "store", store)
    before, trained[:] = StoredRuns(store), []
    assert before.done.tolist() == [[True] * 4, [False] * 4]
    assert before.networks.architecture == whole.networks.architecture
    assert_same_bits(before[0, 2], whole[0, 2])
    with pytest.raises(ValueError, match="must have the same activation, got sigmoid and now tanh"):
        train_many(X, Y, store=store, activation="tanh", **CALL_OF_FIRST)
    assert same_runs(train_many(X, Y, store=store, **CALL_OF_FIRST), whole)
    assert trained == [4], "what was done is left"
    half = Runs.load(FIRST / "runs.npz")
    assert (half.epochs_done == 8).all()
    assert same_runs(train_many(X, Y, resume=half, **CALL_OF_FIRST), whole)
    network = Network.load(FIRST / "network.npz")
    start = {"init": "uniform", "init_range": 1.5}
    expected = train(X, Y, epochs=20, momentum=0.5, **start).network
    assert network.architecture == expected.architecture
    assert all(map(same_bits, network.arrays, expected.arrays))


def test_the_manifest_tells_the_sizes(tmp_path):
    """Of all layers; the settings tell their activations."""
    call = {"hidden_size": (3, 2), "activation": ("tanh", "relu"), "bias": False, "epochs": 0}
    runs = train_many(X, Y, seed=[1, 2], store=tmp_path, **call)
    entries = json.loads((tmp_path / "manifest.json").read_text())
    assert entries["sizes"] == [2, 3, 2, 1]
    assert entries["settings"]["activation"] == ["tanh", "relu"]
    assert runs.networks.architecture == runs[0].network.architecture
    assert str(runs[0].network.architecture) == "2-3-2-1 tanh-relu-sigmoid without biases"
    assert runs.settings.hidden_size == (3, 2)


DAMAGE = {
    "emptied": lambda data: b"",
    "cut": lambda data: data[:-2],
    "half": lambda data: data[: len(data) // 2],
    "longer": lambda data: data + b"x",
    "a bit": lambda data: data[:-40] + bytes([data[-40] ^ 1]) + data[-39:],
    "the first bit": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "zeros": lambda data: bytes(len(data)),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["manifest.json", "settings.npz", "part-000000001"])
def test_damaged_files_are_refused(name, damage, parts_of, tmp_path):
    parts_of(4)
    train_many(X, Y, store=tmp_path, **CALL)
    (path,) = tmp_path.glob(f"{name}*")
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    before = contents(tmp_path)
    message = re.escape(f"{path} is damaged")
    with pytest.raises(ValueError, match=message):
        train_many(X, Y, store=tmp_path, **CALL)
    with pytest.raises(ValueError, match=message):
        StoredRuns(tmp_path)[:]
    if name.startswith("part"):
        assert StoredRuns(tmp_path)[2].settings.seed == 2, "of another part"
        with pytest.raises(ValueError, match=message):
            list(StoredRuns(tmp_path).parts())
        path.unlink()  # as the message says
        assert same_runs(train_many(X, Y, store=tmp_path, **CALL), train_many(X, Y, **CALL))
    else:
        assert contents(tmp_path) == before


def test_mixed_up_files_are_refused(parts_of, tmp_path):
    """Parts of other calls or places, though their arrays are of the same kind."""
    parts_of(3)
    store = tmp_path / "store"
    train_many(X, Y, store=store, **CALL)
    first, second = part_paths(store)
    others = {"epochs": {"epochs": 6}, "seed": {"seed": np.arange(6) + 1}, "y": {"y": 1 - Y}}
    for name, other in others.items():
        train_many(**{"X": X, "y": Y, "store": tmp_path / name} | CALL | other)
        copied = Path(shutil.copy(part_paths(tmp_path / name)[0], store))
        with pytest.raises(ValueError, match=r"part-000000000-\w+.npy is damaged, or .*: delete"):
            StoredRuns(store)
        kept = first.rename(tmp_path / first.name)
        for call in (lambda: train_many(X, Y, store=store, **CALL), lambda: StoredRuns(store)[0]):
            with pytest.raises(ValueError, match=f"{copied} is damaged: its name has the digest"):
                call()
        copied.unlink()
        kept.rename(first)
    second.rename(store / second.name.replace("-000000001-", "-000000002-"))
    second.write_bytes(first.read_bytes())
    for index in (slice(3, 6), slice(0, 6)):
        with pytest.raises(ValueError, match="is damaged: its name has the digest of another"):
            StoredRuns(store)[index]
    (store / "settings.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"settings\.npz"):
        train_many(X, Y, store=store, **CALL)


def test_results_that_are_too_large_for_a_record(tmp_path):
    call = {"seed": [1, 2], "epochs": 300_000_000, "record_every": 1}
    with pytest.raises(ValueError, match="record_every must leave less than 2 GiB"):
        train_many(X, Y, store=tmp_path, **call)
    assert set(contents(tmp_path)) <= {"lock"}


# --- interruption, kills, full disks ---------------------------------------------------------
PLACES = [(crew.Block, "advance", 1), (crew.Block, "advance", 5), (folder, "write_part", 1)]
PLACES += [(os, name, k) for name in ("fsync", "replace") for k in (1, 3, 4)]


@pytest.mark.parametrize(("module", "name", "times"), PLACES)
def test_ctrl_c(module, name, times, parts_of, monkeypatch, tmp_path):
    """While networks are trained or files are written; what was begun of a part is kept, too."""
    parts_of(3)
    call = EVERY | {"momentum": 0.5, "threads": 1}
    left, function = 0, getattr(module, name)

    def pressing(*arguments):
        nonlocal left
        left -= 1
        result = function(*arguments)
        if left == 0:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)  # until the main thread, which this may not be, has noticed
        return result

    monkeypatch.setattr(crew, "AT_ONCE", 0)  # in threads
    monkeypatch.setattr(crew, "SLICE", 0)
    monkeypatch.setattr(crew, "FIRST_SLICE", 0)
    monkeypatch.setattr(module, name, pressing)
    done, kept = 0, 0
    for _ in range(2):
        left = times
        with pytest.raises(KeyboardInterrupt) as stop:
            train_many(X, Y, store=tmp_path, **call)
        assert not list(tmp_path.glob("*.tmp"))
        if not (tmp_path / "manifest.json").exists():
            continue  # interrupted while the store was begun
        runs = stop.value.run
        assert isinstance(runs, StoredRuns)
        assert f"after {runs.done.sum()} of 20 networks" in str(stop.value)
        assert runs.done.sum() >= done
        done, kept = runs.done.sum(), kept + len(list(tmp_path.glob("unfinished-*")))
    assert kept or module is not crew.Block
    left = 0
    assert same_runs(train_many(X, Y, store=tmp_path, **call), train_many(X, Y, **call))
    assert not list(tmp_path.glob("unfinished-*"))


def test_what_was_kept_is_gone_on_with(parts_of, monkeypatch, tmp_path):
    parts_of(7)
    monkeypatch.setattr(crew, "AT_ONCE", 0)  # in threads
    monkeypatch.setattr(crew, "SLICE", 0)
    monkeypatch.setattr(crew, "FIRST_SLICE", 0)
    advanced = []

    def pressing(self, epochs, advance=crew.Block.advance):
        advanced.append(self.epoch)
        if len(advanced) == 100:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
        return advance(self, epochs)

    monkeypatch.setattr(crew.Block, "advance", pressing)
    with pytest.raises(Interrupted):
        train_many(X, Y, store=tmp_path, threads=1, **EVERY)
    advanced[:] = [None] * 100
    (path,) = tmp_path.glob("unfinished-*")
    train_many(X, Y, store=tmp_path, threads=1, **EVERY)
    assert advanced[100] > 50
    assert not path.exists()


KILLED = """
import sys, numpy as np
from fastxor import train_many, xor
from fastxor.sweeps import sweep
sweep.LARGEST, sweep.SHARE = 40, 0
print("begun", flush=True)
train_many(*xor(), seed=np.arange(1600), epochs=3000, store=sys.argv[1])
print("done", flush=True)
"""


@pytest.mark.slow
def test_kill_9(tmp_path):
    """Again and again, at any moment: all finished parts stay, and no other kind of file counts."""
    moments, kills, parts = random.Random(0), 0, 0
    for _ in range(200):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, tmp_path / "store"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "begun\n"
        began, seen, wanted = time.monotonic(), parts, parts + moments.randrange(12)
        while process.poll() is None and seen < wanted and time.monotonic() < began + 60:
            seen = len(part_paths(tmp_path / "store"))
        time.sleep(moments.random() * 0.01)
        process.kill()
        output = process.stdout.read()
        process.stdout.close()
        process.wait()
        now = len(part_paths(tmp_path / "store"))
        assert now >= seen >= parts, "something was lost"
        parts = now
        if output == "done\n":
            break
        kills += 1
        if parts:
            runs = StoredRuns(tmp_path / "store")
            assert runs[...].done.sum() == 40 * parts, "read, and compared with the digests"
    assert kills > 5
    whole = train_many(X, Y, seed=np.arange(1600), epochs=3000)
    assert same_runs(StoredRuns(tmp_path / "store"), whole)
    assert {p.name[:5] for p in (tmp_path / "store").iterdir()} == {
        "lock", "manif", "part-", "setti",
    }  # fmt: skip


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, and a function that changes its options; where root may do that."""
    path = tmp_path / "disk"
    path.mkdir()

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", path]
        return subprocess.run(command, capture_output=True, check=False).returncode

    if sys.platform != "linux" or os.geteuid() or mount("size=256k"):
        pytest.skip("needs root, and Linux")
    try:
        yield path, lambda options: mount(f"remount,{options}")
    finally:
        subprocess.run(["umount", path], check=True)


def test_a_full_disk(small_disk, parts_of, tmp_path):
    disk, change = small_disk
    parts_of(256)
    call = {"seed": np.arange(4000), "epochs": 2}
    with pytest.raises(OSError, match=r"No space left on device: '.*part-00000000\d-") as error:
        train_many(X, Y, store=disk / "store", **call)
    assert error.value.errno == errno.ENOSPC
    before = contents(disk / "store")
    assert 2 <= len(part_paths(disk / "store")) < 14
    assert not [name for name in before if name.endswith(".tmp")]
    assert StoredRuns(disk / "store").done.sum() == 256 * len(part_paths(disk / "store"))
    with pytest.raises(OSError, match="No space left"):
        train_many(X, Y, store=disk / "store", **call)
    assert contents(disk / "store") == before
    with pytest.raises(OSError, match=r"No space left.*(settings.npz|manifest.json|other|part)"):
        train_many(X, Y, store=disk / "other", **call)
    change("size=4m")
    assert same_runs(train_many(X, Y, store=disk / "store", **call), train_many(X, Y, **call))
    assert before.items() <= contents(disk / "store").items()


def test_a_read_only_folder(small_disk, parts_of):
    disk, change = small_disk
    parts_of(4)
    train_many(X, Y, store=disk / "whole", **CALL)
    train_many(X, Y, store=disk / "part", **CALL)
    part_paths(disk / "part")[0].unlink()
    change("ro")
    assert same_runs(train_many(X, Y, store=disk / "whole", **CALL), train_many(X, Y, **CALL))
    for name in ("part", "new"):
        with pytest.raises(OSError, match=f"Read-only file system: '{disk}/{name}"):
            train_many(X, Y, store=disk / name, **CALL)
    assert StoredRuns(disk / "part").done.tolist() == [False] * 4 + [True] * 2


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / "settings.npz").write_bytes(b"")
    (tmp_path / "manifest.json.0123.tmp").write_bytes(b"{")
    assert train_many(X, Y, store=tmp_path, **CALL).done.all()
    assert not list(tmp_path.glob("*.tmp"))


def test_what_a_killed_process_kept_of_a_finished_part_is_removed(parts_of, tmp_path):
    parts_of(4)
    train_many(X, Y, store=tmp_path, **CALL)
    first, second = part_paths(tmp_path)
    kept = tmp_path / first.name.replace("part", "unfinished")
    shutil.copy(first, kept)
    second.unlink()
    assert same_runs(train_many(X, Y, store=tmp_path, **CALL), train_many(X, Y, **CALL))
    assert not kept.exists()


def test_two_threads_at_once(parts_of, trained, tmp_path, monkeypatch):
    """The second is told, and the first goes on."""
    parts_of(2)

    def training(self, runs, report, train=sweep.Task.train):
        if not refused:
            refused.append(True)
            with pytest.raises(BlockingIOError, match="store: another thread trains to"):
                train_many(X, Y, store=tmp_path, **CALL)
        train(self, runs, report)

    refused = []
    monkeypatch.setattr(sweep.Task, "train", training)
    assert train_many(X, Y, store=tmp_path, **CALL).done.all()
    assert trained == [2, 2, 2]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other locks")
def test_two_processes_at_once(tmp_path):
    """The second is told, and the first goes on."""
    script = KILLED.replace("epochs=3000", "epochs=30000")
    first = subprocess.Popen([sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE)
    while not part_paths(tmp_path):
        assert first.poll() is None
        time.sleep(0.01)
    second = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=False
    )
    assert f"BlockingIOError: store: another process trains to {tmp_path}" in second.stderr
    assert first.communicate()[0] == b"begun\ndone\n"
    assert StoredRuns(tmp_path).done.all()


# --- what goes in ------------------------------------------------------------------------------
def test_bad_stores_are_refused(tmp_path, trained):
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(TypeError, match="store must be a path, got 3"):
        train_many(X, Y, store=3, **CALL)
    with pytest.raises(NotADirectoryError, match="file'"):
        train_many(X, Y, store=file, **CALL)
    with pytest.raises(ValueError, match=r"store must be a new or empty folder.*with file"):
        train_many(X, Y, store=tmp_path, **CALL)
    with pytest.raises(FileNotFoundError, match=r"manifest\.json"):
        StoredRuns(tmp_path)
    with pytest.raises(ValueError, match="resume must be None with a store"):
        train_many(X, Y, store=tmp_path / "new", resume=train_many(X, Y, **CALL), **CALL)
    with pytest.raises(ValueError, match="epochs must be"):
        train_many(X, Y, store=tmp_path / "new", epochs=-1)
    assert trained == [6]
    assert contents(tmp_path) == {"file": b"mine"}


def test_a_store_needs_its_arrays_only(tmp_path):
    """Broadcast settings are stored as they were given; starting weights by their digest."""
    call = {"seed": np.arange(300)[:, None], "learning_rate": np.linspace(1, 2, 400), "epochs": 0}
    train_many(X, Y, store=tmp_path, initial=weights(2, 2, 1), **call)
    assert (tmp_path / "settings.npz").stat().st_size < 10_000
    assert StoredRuns(tmp_path)[299, 399].settings.learning_rate == 2.0


def test_parts_are_compared_with_their_digests_once(tmp_path, monkeypatch):
    compared, read = [], folder.read_part

    def noted(*arguments):
        compared.append(len(arguments) < 5 or arguments[4])
        return read(*arguments)

    monkeypatch.setattr(folder, "read_part", noted)
    call = {"X": X, "y": Y, "seed": range(9), "epochs": 3, "store": tmp_path / "store"}
    written = train_many(**call)
    assert np.isfinite(written.final_loss).all()
    assert compared, "read"
    assert not any(compared), "as they were just written"
    compared.clear()
    again = train_many(**call)  # looks whether all is well
    assert again.final_loss.tolist() == written.final_loss.tolist()
    assert sum(compared) == 1
    compared.clear()
    opened = StoredRuns(tmp_path / "store")
    assert str(opened.architecture) == "2-2-1 sigmoid"
    assert compared == [], "not read for that"
    assert opened.final_loss.tolist() == opened.final_loss.tolist()
    assert sum(compared) == 1
