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
from fastxor import Network, agreement, data, report
from fastxor.agreement import same_bits
from fastxor.benchmarking import cases
from fastxor.benchmarking.cases import Case
from fastxor.cli import bench, demo, seeds
from fastxor.cli.main import main
from fastxor.training import crew, engine


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


def test_layers_on_the_command_line(tmp_path, capsys):
    path = tmp_path / "net.npz"
    rates = ["--learning-rate", 0.05, "--momentum", 0.5]
    layers = ["--hidden-size", "3,2", "--activation", "relu,tanh", "--output", "identity",
              "--no-bias", "--init", "glorot"]  # fmt: skip
    assert run("train", *layers, *rates, "--epochs", 30, "--save", path) == 0
    settings = {
        "hidden_size": (3, 2), "activation": ("relu", "tanh"), "output": "identity", "bias": False,
        "init": "glorot", "learning_rate": 0.05, "momentum": 0.5,
    }  # fmt: skip
    expected = fastxor.train(*fastxor.xor(), epochs=30, **settings)
    saved = Network.load(path)
    assert saved.architecture == expected.network.architecture
    assert all(map(same_bits, saved.arrays, expected.network.arrays))
    outputs = expected.network.predict_proba(fastxor.xor()[0])
    error = np.abs(outputs - fastxor.xor()[1]).max()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-6:-1] == [
        f"  0 0  ->  {outputs[0, 0]:.4f}", f"  0 1  ->  {outputs[1, 0]:.4f}",
        f"  1 0  ->  {outputs[2, 0]:.4f}", f"  1 1  ->  {outputs[3, 0]:.4f}",
        f"Largest error of an output: {error:.4g}.",
    ]  # fmt: skip
    assert lines[-7] == "Outputs:"
    # --initial continues it; its layers are those of the file
    assert run("train", *rates, "--epochs", 20, "--initial", path, "--save", path) == 0
    whole = fastxor.train(*fastxor.xor(), epochs=50, **settings)
    assert all(map(same_bits, Network.load(path).arrays, whole.network.arrays))
    assert run("compare", *layers, *rates, "--epochs", 20) == 0
    assert run("train", "--hidden-size", "none", "--epochs", 3, "--save", path) == 0
    assert Network.load(path).sizes == (2, 1)


def test_validation_on_the_command_line(tmp_path, capsys):
    X, y = fastxor.xor()
    held_out, path = tmp_path / "held_out.npz", tmp_path / "net.npz"
    np.savez(held_out, X=X + 0.5, y=y)
    options = ["--validation", held_out, "--validate-every", 2, "--patience", 3, "--epochs", 900]
    options += ["--learning-rate", 2, "--hidden-size", 4]
    settings = {"validation": (X + 0.5, y), "validate_every": 2, "patience": 3, "epochs": 900}
    settings |= {"learning_rate": 2.0, "hidden_size": 4}
    assert run("train", *options, "--save", path, "--snapshots", "0,10") == 0
    expected = fastxor.train(X, y, snapshots=(0, 10), **settings)
    for file, network in [
        (path, expected.best),
        (tmp_path / "net-0.npz", expected.snapshots[0]),
        (tmp_path / "net-10.npz", expected.snapshots[10]),
    ]:
        assert all(map(same_bits, Network.load(file).arrays, network.arrays))
    losses, best = expected.validation_losses, expected.best_epoch
    assert 10 < best == len(expected.losses) - 6 < 894
    out = capsys.readouterr().out
    assert (
        f"Validation loss {losses[-1]:.5f} after {best + 6} epochs; least {losses.min():.5f}" in out
    )
    assert f" after {best}, of the network that follows.\nStopped: 3 validations were no b" in out
    assert f"{expected.best.predict_proba(X)[0, 0]:.4f}" in out
    assert f"saved to {tmp_path / 'net-10.npz'}" in out
    assert run("compare", *options) == 0
    runs = tmp_path / "runs.npz"
    assert run("seeds", *options, "--count", 3, "--first", 42, "--save", runs) == 0
    found = fastxor.Runs.load(runs)
    assert found.best_epoch[0, 0] == best
    assert same_bits(found[0, 0].best.W1, expected.best.W1)


def test_optimizers_on_the_command_line(tmp_path, capsys):
    factors = np.linspace(1, 0.5, 20)
    np.savetxt(tmp_path / "factors.txt", factors)
    np.savetxt(tmp_path / "weights.txt", [1, 2, 0, 0.5])
    path, schedule = tmp_path / "net.npz", ["--schedule", tmp_path / "factors.txt"]
    schedule += ["--sample-weight", tmp_path / "weights.txt"]
    for options, settings in [
        (
            [
                "--optimizer",
                "adam",
                "--beta1",
                0.5,
                "--beta2",
                0.9,
                "--epsilon",
                0.01,
                "--l2",
                0.1,
                "--layer-rates",
                "1,0.5",
            ],
            {
                "optimizer": "adam",
                "beta1": 0.5,
                "beta2": 0.9,
                "epsilon": 0.01,
                "l2": 0.1,
                "layer_rates": (1, 0.5),
            },
        ),
        (["--momentum", 0.5, "--nesterov"], {"momentum": 0.5, "nesterov": True}),
        (["--reduction", "mean"], {"reduction": "mean"}),
    ]:
        assert run("train", *options, *schedule, "--epochs", 20, "--save", path) == 0
        expected = fastxor.train(
            *fastxor.xor(), epochs=20, schedule=factors, sample_weight=[1, 2, 0, 0.5], **settings
        ).network
        saved = Network.load(path)
        assert saved.state.keys() == expected.state.keys()
        for name, array in expected.state.items():
            assert same_bits(saved.state[name], array)
        assert run("compare", *options, *schedule, "--epochs", 20) == 0
        assert run("seeds", *options, *schedule, "--epochs", 20, "--count", 3) == 0
    capsys.readouterr()
    (tmp_path / "words.txt").write_text("1 2 three")
    for file, message in [
        (tmp_path / "none.txt", "cannot read"), (tmp_path / "words.txt", "must hold numbers"),
    ]:  # fmt: skip
        with pytest.raises(SystemExit) as end:
            run("train", "--schedule", file)
        assert end.value.code == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert run("train", *schedule, "--epochs", 10) == 2
    assert "schedule must be a factor for each epoch, (10,)" in capsys.readouterr().err


def test_classes(tmp_path, capsys):
    """One column for each, of a table whose last three columns they are."""
    random = np.random.default_rng(0)
    X = random.random((30, 2)) * 4 - 2
    y = np.eye(3)[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0)]
    np.savetxt(tmp_path / "data.csv", np.hstack([X, y]), delimiter=",")
    options = ["--data", tmp_path / "data.csv", "--targets", 3, "--hidden-size", "4,3",
               "--activation", "tanh", "--output", "softmax", "--loss", "log_loss",
               "--learning-rate", 0.03]  # fmt: skip
    settings = {
        "hidden_size": (4, 3), "activation": "tanh", "output": "softmax", "loss": "log_loss",
        "learning_rate": 0.03,
    }  # fmt: skip
    for epochs in (3, 400):
        assert run("train", *options, "--epochs", epochs) == 0
        network = fastxor.train(X, y, epochs=epochs, **settings).network
        lines = capsys.readouterr().out.splitlines()
        start = lines.index("Outputs and predictions of the first 16 samples:") + 1
        for line, answers in zip(lines[start : start + 16], network.predict(X), strict=False):
            assert line.split()[-3:] == [str(answer) for answer in answers]
        wrong = (network.predict(X) != y).any(axis=1).sum()
        advice = " ".join(lines[start + 16 :])
        if epochs == 3:
            assert f"Not learned: {wrong} of 30 samples have their largest output at an" in advice
            assert "--hidden-size 8,6" in advice
        else:
            assert wrong == 0
            assert advice == "Learned: all 30 samples have their largest output at their class."


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
    "hidden sizes": (["train", "--hidden-size", "16,0"], "hidden_size[1] must be an integer of"),
    "no sizes": (["train", "--hidden-size", "2,x"],
                 "--hidden-size: must be hidden units, such as 2, or 16,16 in two layers, or none"),
    "activation": (["train", "--activation", "cosine"], "activation must be 'sigmoid', 'tanh', "),
    "activations": (["train", "--activation", "relu,tanh"], "one for each of 1 hidden layers"),
    "output": (["train", "--output", "relu"], "argument --output: invalid choice: 'relu'"),
    "loss": (["train", "--output", "softmax"], "loss must be 'log_loss' with output='softmax'"),
    "one class": (["train", "--output", "softmax", "--loss", "log_loss"], "'softmax' of a single"),
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
    "tolerance": (["train", "--tolerance", 0], "tolerance must be above 0"),
    "patience": (["train", "--patience", 3], "patience must be None without validation, got 3"),
    "validation": (["train", "--validation", "/nowhere/data.csv"], "No such file"),
    "snapshots": (["train", "--snapshots", "3"], "--snapshots must go with --save"),
    "no snapshots": (["train", "--snapshots", "all"], "must be epochs with commas between them"),
    "stop": (["train", "--stop-when-solved"], "stop_when_solved must have a tolerance"),
    "init range": (["train", "--init", "uniform"], "init_range must be a number"),
    "count": (["seeds", "--count", 0], "--count must be an integer of at least 1, got 0"),
    "first seed": (["seeds", "--first", 2**32 - 3], "seed must hold integers of at least 0 and at"),
    "rates": (["seeds", "--learning-rate", 1, "nan"], "learning_rate must be finite"),
    "seeds to folder": (["seeds", "--save", "/"], "--save must name a file"),
    "resume": (["seeds", "--resume", "/nowhere/runs.npz"], "No such file"),
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

    monkeypatch.setattr(engine.Engine, "_use", interrupted)
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
        ("a.csv", b"", "must hold at least one line of numbers, got an empty file"),
        ("a.csv", b"x,y\n", "must hold at least one line of numbers, got but the names"),
        ("a.csv", b"1,2\n3,x\n", "line 2: must hold 2 comma-separated numbers, got '3,x'"),
        ("a.csv", b"1,2\n3\n", "line 2: must hold 2 comma-separated numbers, got '3'"),
        ("a.csv", b"1\n2\n", "more than 1 columns"),
        ("a.csv", b"1,2\n3,1_0\n", "line 2: must hold 2 comma-separated numbers, got '3,1_0'"),
        ("a.csv", b"\xff\xfe\x00", "must hold text in UTF-8, got other bytes at 0"),
        ("a.csv", b"1,2\n\x00,3\n", "must hold text in UTF-8, got a NUL at 4"),
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


@pytest.mark.slow
def test_bench(short_bench, tmp_path, capsys):
    path = tmp_path / "bench.json"
    assert run("bench", "--json", path) == 0
    out = capsys.readouterr().out
    titles = (
        "Epochs, float64", "Epochs, float32", "Full batch, float64", "Mini-batches",
        "First calls, float64: ms per call",
    )  # fmt: skip
    for title in titles:
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
    monkeypatch.setattr(bench, "FULL_BATCHES", [])
    monkeypatch.setattr(bench, "_first_calls", list)
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


def test_train_until_solved(tmp_path, capsys):
    path = tmp_path / "net.npz"
    options = ["--seed", 43, "--tolerance", 0.5, "--stop-when-solved", "--save", path]
    assert run("train", *options) == 0
    expected = fastxor.train(*fastxor.xor(), seed=43, tolerance=0.5, stop_when_solved=True)
    assert all(map(same_bits, Network.load(path).arrays, expected.network.arrays))
    output = capsys.readouterr().out
    assert f"Solved at epoch {expected.solved_at}." in output
    assert "Learned: all 4 samples" in output
    assert run("train", "--init", "uniform", "--init-range", 2, "--epochs", 5, "--save", path) == 0
    expected = fastxor.train(*fastxor.xor(), init="uniform", init_range=2, epochs=5)
    assert same_bits(Network.load(path).b1, expected.network.b1)


# --- many seeds ---------------------------------------------------------------------------
SEEDS = ["seeds", "--count", 60, "--epochs", 3000, "--first", 5]


def rows(text):
    """The cells of the table."""
    lines = [line for line in text.splitlines() if line.startswith("\u2502")]
    return [[cell.strip() for cell in line.strip("\u2502").split("\u2502")] for line in lines]


@pytest.fixture
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")


def test_seeds(wide, capsys):
    assert run(*SEEDS, "--learning-rate", 0.1, 3, "--hidden-size", 3) == 0
    out = capsys.readouterr().out
    X, y = fastxor.xor()
    for rate, row in zip((0.1, 3), rows(out), strict=True):
        settings = {"hidden_size": 3, "epochs": 3000, "learning_rate": rate, "tolerance": 0.5}
        runs = [fastxor.train(X, y, seed=seed, **settings) for seed in range(5, 65)]
        learned = [r for r in runs if (r.network.predict(X) == y).all()]
        assert row[:3] == [f"{rate:g}", "60", str(len(learned))]
        assert row[3] == f"{len(learned) / 60:.1%}"
        assert row[4] == f"{np.median([r.solved_at for r in learned]):,.0f}"
        assert row[5].split() == [str(r.settings.seed) for r in learned[:8]]
    assert "seeds 5 to 64" in out
    assert "120 networks in" in out


def test_seeds_of_other_data(wide, tmp_path, capsys):
    """Targets that are no classes; and what diverges is told."""
    X, y = np.random.default_rng(0).random((6, 3)), np.random.default_rng(1).random((6, 2))
    np.savez(tmp_path / "data.npz", X=X, y=y)
    options = ["--data", tmp_path / "data.npz", "--tolerance", 0.4, "--epochs", 100, "--count", 9]
    assert run("seeds", *options, "--init", "uniform", "--init-range", 1, "--momentum", 0.5) == 0
    runs = fastxor.train_many(
        X, y, seed=np.arange(9), epochs=100, init="uniform", init_range=1, momentum=0.5
    )
    near = np.abs(runs.networks.predict_proba(X) - y) < 0.4
    assert rows(capsys.readouterr().out)[0][2] == str(near.all(axis=(1, 2)).sum())
    assert run("seeds", "--count", 3, "--momentum", 9, "--epochs", 1000) == 0
    assert "3 networks left the finite numbers" in capsys.readouterr().out


def test_seeds_of_layers(wide, capsys):
    options = ["--hidden-size", "3,2", "--activation", "tanh", "--output", "identity", "--no-bias"]
    assert run("seeds", "--count", 20, "--epochs", 400, *options) == 0
    out = capsys.readouterr().out
    assert out.startswith("2-3-2-1 tanh-identity without biases, 4 samples, 400 epochs, float64: ")
    X, y = fastxor.xor()
    settings = {"hidden_size": (3, 2), "activation": "tanh", "output": "identity", "bias": False}
    runs = [fastxor.train(X, y, seed=seed, epochs=400, **settings) for seed in range(20)]
    near = [(abs(r.network.predict_proba(X) - y) < 0.5).all() for r in runs]
    assert rows(out)[0][2] == str(sum(near))
    assert 0 < sum(near) < 20


def test_seeds_whose_sums_overflow(wide, capsys):
    """Networks that have diverged may have no outputs: they have not learned."""
    options = ["--hidden-size", "4,3", "--activation", "identity", "--output", "identity"]
    assert run("seeds", "--count", 5, "--epochs", 60, "--learning-rate", 3, *options) == 0
    out = capsys.readouterr().out
    assert rows(out)[0][:3] == ["3", "5", "0"]
    assert "5 networks left the finite numbers" in out


def test_seeds_are_saved_and_resumed(wide, tmp_path, monkeypatch, capsys):
    path, part = tmp_path / "runs.npz", tmp_path / "part.npz"
    assert run(*SEEDS, "--save", path) == 0
    out = capsys.readouterr().out
    whole = fastxor.Runs.load(path)
    assert whole.done.all()
    half = fastxor.train_many(
        *fastxor.xor(), seed=5 + np.arange(60), learning_rate=[[0.1]], epochs=3000
    )
    half.epochs_done[0, 30:] = 0  # as if they had not begun
    half.final_loss[0, 30:] = np.nan
    half.solved_at[0, 30:] = -1

    def interrupted(self, report):
        self.runs.put(np.arange(60), half.take(np.arange(60)).state)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(seeds, "train_many", without_compiling(patch, interrupted))
        assert run(*SEEDS, "--save", part) == 130
    captured = capsys.readouterr()
    assert rows(captured.out)[0][1] == "30", "what is finished is shown"
    assert f"--resume {part} goes on" in captured.err
    assert "interrupted after 30 of 60 networks" in captured.err
    assert run(*SEEDS, "--resume", part, "--save", part) == 0
    assert rows(capsys.readouterr().out) == rows(out)
    for a, b in zip(fastxor.Runs.load(part).networks.arrays, whole.networks.arrays, strict=True):
        assert same_bits(a, b)
    assert run("seeds", "--count", 60, "--epochs", 3001, "--first", 5, "--resume", part) == 2
    assert "resume must have the same epochs, got 3000 and now 3001" in capsys.readouterr().err


def without_compiling(patch, crew_run):
    """`train_many`, the second call of which has this in place of the crew's work."""
    calls = []

    def train_many(X, y, **call):
        calls.append(call)
        if len(calls) == 2:
            patch.setattr(crew.Crew, "run", crew_run)
        return fastxor.train_many(X, y, **call)

    return train_many


def test_the_tutorials_seeds(wide, capsys):
    """The share that README tells, of all 4,096."""
    assert run("seeds") == 0
    assert rows(capsys.readouterr().out)[0][1:4] == ["4,096", "2,926", "71.4%"]
