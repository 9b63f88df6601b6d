"""The command line, as a user meets it."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest

import fastxor
from fastxor import Network, agreement, bench, cases, data, demo, engine, report
from fastxor.__main__ import main
from fastxor.agreement import same_bits
from fastxor.cases import Case


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_train_prints_the_tutorials_lines(capsys):
    assert run("train") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Epoch 0, Loss: 0.25583", "Epoch 1000, Loss: 0.24941"]
    assert lines[9] == "Epoch 9000, Loss: 0.12885"
    assert [line.split()[-1] for line in lines[11:15]] == ["0", "0", "1", "1"]
    advice = " ".join(lines[15:])
    assert "Not learned: 2 of 4 samples" in advice
    assert "--seed 43" in advice
    assert "--hidden-size 4" in advice


@pytest.mark.parametrize("advice", [("--seed", 43), ("--hidden-size", 4)])
def test_the_advice_works(advice, capsys):
    assert run("train", *advice) == 0
    assert "Learned: all 4 samples" in capsys.readouterr().out


def test_options_reach_training(tmp_path, capsys):
    path = tmp_path / "net.npz"
    options = ["--problem", "parity", "--bits", 3, "--hidden-size", 3, "--learning-rate", 0.5,
               "--momentum", 0.5, "--seed", 7, "--dtype", "float32"]  # fmt: skip
    assert run("train", *options, "--epochs", 30, "--save", path) == 0
    expected = fastxor.train(
        *fastxor.parity(3), hidden_size=3, learning_rate=0.5, momentum=0.5, seed=7,
        dtype="float32", epochs=30,
    )  # fmt: skip
    saved = Network.load(path)
    assert all(map(same_bits, saved.arrays, expected.network.arrays))
    assert all(map(same_bits, saved.velocity, expected.network.velocity))
    # --initial continues it; its hidden size and dtype are those of the file
    more = ["--problem", "parity", "--learning-rate", 0.5, "--momentum", 0.5, "--epochs", 20]
    assert run("train", *more, "--initial", path, "--save", path) == 0
    whole = fastxor.train(
        *fastxor.parity(3), hidden_size=3, learning_rate=0.5, momentum=0.5, seed=7,
        dtype="float32", epochs=50,
    )  # fmt: skip
    assert all(map(same_bits, Network.load(path).arrays, whole.network.arrays))
    assert str(path) in capsys.readouterr().out


def test_compare(capsys):
    assert run("compare", "--problem", "parity", "--epochs", 20, "--hidden-size", 3) == 0
    output = capsys.readouterr().out
    assert "agree to the last bit" in output
    expected = fastxor.compare(*fastxor.parity(3), hidden_size=3, epochs=20, show=False)
    assert expected.digest in output


def test_alone_it_shows_the_three_side_by_side(capsys, monkeypatch):
    monkeypatch.setattr(demo, "EPOCHS", 1010)
    monkeypatch.setenv("COLUMNS", "100")
    assert run() == 0
    output = capsys.readouterr().out
    for word in ("tutorial", "reference", "fastxor", "NumPy", "Numba", "1 XOR 1", "speed"):
        assert word in output
    line = next(line for line in output.splitlines() if "Epoch 909, Loss" in line)
    assert len(set(line.replace("│", " ").split()[3:])) == 1, "the same loss three times"
    assert "agree to the last bit" in output
    assert "does NOT learn XOR" in output


BAD = {
    "hidden size": (["train", "--hidden-size", 0], "hidden_size must be an integer of at least 1"),
    "epochs": (["compare", "--epochs", -1], "epochs must be"),
    "learning rate": (["train", "--learning-rate", "nan"], "learning_rate must be finite"),
    "not a number": (["train", "--epochs", "many"], "argument --epochs: invalid int value: 'many'"),
    "command": (["fly"], "invalid choice: 'fly'"),
    "option": (["train", "--fast"], "unrecognized arguments: --fast"),
    "problem": (["train", "--problem", "and"], "invalid choice: 'and'"),
    "bits": (["train", "--problem", "parity", "--bits", 0], "bits must be an integer"),
    "data": (["train", "--data", "/nowhere/data.csv"], "No such file"),
    "initial": (["train", "--initial", "/nowhere/net.npz"], "No such file"),
    "save": (["train", "--save", "/nowhere/net.npz"], "cannot write to /nowhere"),
    "targets": (["train", "--data", __file__, "--targets", 0], "targets must be an integer of at"),
    "batch size": (["train", "--batch-size", 0], "batch_size must be an integer of at least 1"),
    "bench to folder": (["bench", "--json", "/"], "--json must name a file, got the folder /"),
    "save to folder": (["train", "--save", "/"], "must name a file, got the folder /"),
    "divergence": (["train", "--learning-rate", 1, "--momentum", 9], "overflowed to infinity"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_errors_are_one_line_and_status_2(case, capsys):
    arguments, message = BAD[case]
    try:
        status = run(*arguments)
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert err.startswith("fastxor")
    assert err.count("\n") == 1
    assert message in err


def test_divergence_leaves_the_saved_network_alone(tmp_path):
    path = tmp_path / "net.npz"
    assert run("train", "--epochs", 10, "--save", path) == 0
    before = path.read_bytes()
    bad = ["--learning-rate", 1, "--momentum", 9]
    assert run("train", *bad, "--initial", path, "--save", path) == 2
    assert path.read_bytes() == before


def test_interruption_before_the_first_epoch_leaves_the_saved_network_alone(tmp_path, monkeypatch):
    path = tmp_path / "net.npz"
    assert run("train", "--epochs", 10, "--save", path) == 0
    before = path.read_bytes()

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "kernel_for", interrupted)
    assert run("train", "--save", path) == 130
    assert path.read_bytes() == before


def test_advice_fits_a_saved_start(tmp_path, capsys):
    path = tmp_path / "net.npz"
    assert run("train", "--save", path) == 0
    capsys.readouterr()
    assert run("train", "--initial", path) == 0
    output = capsys.readouterr().out
    assert "Not learned: 2 of 4" in output
    assert "--seed" not in output


def test_compare_says_so_when_training_overflows(capsys):
    assert run("compare", "--learning-rate", 1, "--momentum", 9) == 0
    assert "training overflowed in epoch" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "targets", "X", "y"),
    [
        ("1,2,3\n4,5,6\n", 1, [[1, 2], [4, 5]], [[3], [6]]),
        ("a,b,c\n1,2,3\n\n4,5,6", 2, [[1], [4]], [[2, 3], [5, 6]]),
        ("\ufeff1e3, -2.5 ,3\r\n", 1, [[1000, -2.5]], [[3]]),
    ],
)
def test_csv(text, targets, X, y, tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(text.encode())
    for array, expected in zip(data.load(path, targets), (X, y), strict=True):
        assert array.tolist() == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "must hold at least one line"),
        ("a.csv", b"x,y\n", "must hold at least one line"),
        ("a.csv", b"1,2\n3,x\n", "line 2: must hold 2 comma-separated numbers, got '3,x'"),
        ("a.csv", b"1,2\n3\n", "line 2: must hold 2 comma-separated numbers, got '3'"),
        ("a.csv", b"1\n2\n", "more than 1 columns"),
        ("a.csv", b"\xff\xfe\x00", "must hold comma-separated numbers"),
        ("a.csv", b"1,2\n\x00,3\n", "line 2|comma-separated"),
        ("a.npz", b"not a zip", "is no .npz file of plain arrays"),
        ("a.npz", b"", "is no .npz file of plain arrays"),
    ],
)
def test_bad_files(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        data.load(path)


def test_built_in_problems():
    X, y = data.xor()
    assert X.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert y.tolist() == [[0], [1], [1], [0]]
    X, y = data.parity(3)
    assert X.tolist()[:3] == [[0, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert (y.ravel() == [0, 1, 1, 0, 1, 0, 0, 1]).all()


def test_data_from_files(tmp_path, capsys):
    X, y = fastxor.xor()
    np.savez(tmp_path / "xor.npz", X=X, y=y)
    np.savetxt(
        tmp_path / "xor.csv", np.hstack([X, y]), delimiter=",", header="a,b,xor", comments=""
    )
    outputs = []
    for source in (
        ["--problem", "xor"],
        ["--data", tmp_path / "xor.npz"],
        ["--data", tmp_path / "xor.csv"],
    ):
        assert run("train", *source, "--epochs", 100) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] == outputs[2]
    np.savez(tmp_path / "bad.npz", X=X)
    assert run("train", "--data", tmp_path / "bad.npz") == 2


def test_many_samples_are_not_all_printed(tmp_path, capsys):
    X, y = np.random.default_rng(0).random((200, 12)), np.random.default_rng(1).random(200)
    np.savez(tmp_path / "many.npz", X=X, y=y)
    assert run("train", "--data", tmp_path / "many.npz", "--epochs", 3) == 0
    output = capsys.readouterr().out
    assert "of the first 16 samples" in output
    assert output.count("->") == 16
    assert "earned" not in output  # targets that are no classes


def process(*arguments, **options):
    command = [sys.executable, "-m", "fastxor", *map(str, arguments)]
    return subprocess.Popen(command, text=True, stderr=subprocess.PIPE, **options)


def test_ctrl_c_saves_what_is_done(tmp_path):
    path = tmp_path / "net.npz"
    assert run("train", "--epochs", 1) == 0  # compiled
    for seconds in (4, 12):  # a busy machine may need longer to get as far as training
        training = process("train", "--epochs", 4 * 10**8, "--save", path)
        time.sleep(seconds)
        training.send_signal(signal.SIGINT)
        _, err = training.communicate(timeout=60)
        if path.exists():
            break
    assert training.returncode == 130
    saved, stopped = err.splitlines()
    done = int(saved.split()[4].replace(",", ""))
    assert f"interrupted after {done:,} of 400,000,000 epochs" in stopped
    assert done > 0
    assert Network.load(path).sizes == (2, 2, 1)


def test_a_reader_that_leaves_early():
    reader, writer = os.pipe()
    os.close(reader)
    with process("train", "--epochs", 10, stdout=writer) as training:
        os.close(writer)
        _, err = training.communicate(timeout=60)
    assert (training.returncode, err) == (1, "")


def test_closed_streams():
    for redirection in (">&-", "2>&-", ">&- 2>&-"):
        command = f"{sys.executable} -m fastxor train --epochs 10 {redirection}"
        assert subprocess.run(command, shell=True, capture_output=True).returncode == 0


@pytest.fixture
def short_bench(monkeypatch):
    monkeypatch.setattr(bench, "BUDGET", 0)
    monkeypatch.setattr(bench, "FULL_BATCHES", [Case(16, (2, 2, 1)), Case(20_000, (2, 512, 1))])
    monkeypatch.setattr(bench, "MINI_BATCHES", [Case(20, (2, 2, 1), "float32", 3)])
    monkeypatch.setattr(cases, "EPOCHS", (10, 20))


def test_bench(short_bench, tmp_path, capsys):
    path = tmp_path / "bench.json"
    assert run("bench", "--json", path) == 0
    out = capsys.readouterr().out
    for title in ("Epochs, float64", "Epochs, float32", "Full batch, float64", "Mini-batches"):
        assert f"### {title}" in out
    assert "fastxor: bits" in out
    assert "textbook: losses within 1e-12" in out
    assert report.main([str(path)]) == 0
    assert capsys.readouterr().out == out
    content = json.loads(path.read_text())
    engines = {entry["extra_info"]["engine"] for entry in content["benchmarks"]}
    assert engines == {"textbook", "reference", "fastxor"}
    named = [entry["name"] for entry in content["benchmarks"]]
    assert not any(name.startswith("full batch, reference: 2-512-1") for name in named), "too slow"
    assert any(name.startswith("full batch, fastxor: 2-512-1") for name in named)


def test_bench_says_when_bits_differ(short_bench, monkeypatch, capsys):
    def wrong(X, y, **settings):
        return fastxor.train(X, y, **settings | {"seed": 1, "initial": None})

    compare = partial(agreement.compare, fast=wrong)
    monkeypatch.setattr(agreement, "compare", compare)
    assert run("bench") == 1
    assert "DIFFER: first in epoch 0" in capsys.readouterr().out


def test_batches_on_the_command_line(tmp_path):
    path = tmp_path / "net.npz"
    options = ["--batch-size", 3, "--shuffle", "--threads", 2, "--epochs", 30, "--seed", 5]
    assert run("train", *options, "--save", path) == 0
    expected = fastxor.train(*fastxor.xor(), batch_size=3, shuffle=True, epochs=30, seed=5)
    saved = Network.load(path)
    assert all(map(same_bits, saved.arrays, expected.network.arrays))
    assert run("compare", *options) == 0
