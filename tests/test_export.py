"""Networks as C: the bits of predictions, whatever the compiler and what it is told."""

import platform
import shutil
import subprocess

import numpy as np
import pytest

import fastxor
from fastxor import Network
from fastxor.cli.main import main
from fastxor.contract.functions import ACTIVATIONS
from fastxor.networks.architecture import OUTPUTS, Architecture
from tests.conftest import FLOATS, in_new_process

ON_X86 = platform.machine() in ("x86_64", "AMD64")
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
NATIVE = "-march=native" if ON_X86 else "-mcpu=native"
LEVELS = ["-O0", "-O2", "-O3", f"-O3 {NATIVE}", f"-O3 {NATIVE} -ffp-contract=on",
          "-O2 -std=c99 -pedantic -Wshadow -Wmissing-prototypes"]  # fmt: skip


def run(command, **options):
    return subprocess.run(command, capture_output=True, check=False, **options)


def is_there(command):
    """A compiler of this name, not another's that is called so."""
    return shutil.which(command) is not None and not run([command, "--version"]).returncode


COMPILERS = [name for name in ("gcc", "clang") if is_there(name)] or ["cc"] * is_there("cc")
HERE = pytest.mark.skipif(not COMPILERS, reason="there is no C compiler")


def network_of(sizes, activation, output, bias, dtype, seed=0, scale=1.5, scales=None):
    architecture = Architecture.of(sizes, activation, output, bias, scales)
    random = np.random.default_rng(seed)
    arrays = [random.normal(size=s, scale=scale) for s in architecture.shapes.values()]
    return Network.of([array.astype(dtype) for array in arrays], architecture)


def samples_for(network, seed=0):
    """Random ones of all sizes, zeros of both signs, subnormal ones, and what saturates."""
    random, inputs, T = np.random.default_rng(seed), network.sizes[0], network.dtype
    X = random.normal(size=(220, inputs)) * 10.0 ** random.integers(-3, 3, size=(220, 1))
    tiny = random.normal(size=(60, inputs)) * 10.0 ** random.integers(-330, -30, size=(60, 1))
    zeros = np.where(random.random((12, inputs)) < 0.5, -0.0, 0.0)
    most = 1e280 if T is np.float64 else 1e30
    large = random.normal(size=(20, inputs)) * 10.0 ** random.integers(3, 30, size=(20, 1))
    return np.vstack([X, tiny, zeros, large, np.eye(inputs) * most]).astype(T)


def saturating(dtype):
    """Sums that are infinite."""
    most = np.finfo(dtype).max
    W = np.array([[most, -most, 1, most / 4]], dtype)
    up = np.array([[4, -3, 2, 1]], dtype).T
    return Network(W, None, up, None, activation="tanh", output="sigmoid")


def minus_zeros(activation, dtype):
    """Outputs, which zeros of both signs reach."""
    W1, W2 = np.array([[1, -1, -0.0]], dtype), np.eye(3, dtype=dtype)
    W2[W2 == 0] = -0.0
    return Network(W1, None, W2, None, activation=activation, output="identity")


def all_networks():
    networks = []
    for dtype in FLOATS:
        for k, activation in enumerate(ACTIVATIONS):
            for m, output in enumerate(OUTPUTS):
                bias = (k + m) % 3 != 0
                networks.append(network_of((3, 5, 2), activation, output, bias, dtype, k + m))
        several = ("relu", "sigmoid", "tanh")
        networks += [
            network_of((4, 1), (), "sigmoid", True, dtype),
            network_of((1, 3), (), "softmax", False, dtype),
            network_of((2, 9, 4, 17, 5), several, "softmax", (True, False, True, True), dtype),
            network_of((13, 40, 2), "tanh", "identity", True, dtype, scale=0.3),
            network_of((2, 3, 2), "identity", "softmax", True, dtype, scale=300),
            network_of((3, 4, 5, 2), "tanh", "softmax", True, dtype, scales=(0.3, 1, 1.7)),
            network_of((3, 4, 2), "relu", "identity", False, dtype, scales=(1.1, 0.125)),
            saturating(dtype),
            *(minus_zeros(activation, dtype) for activation in ("tanh", "relu", "identity")),
        ]
    return networks


DRIVER = """
#include <stdio.h>
static void all_of_{name}(int n)
{{
    {T} x[{inputs}], y[{outputs}];
    for (; n && fread(x, sizeof x, 1, stdin); n--) {{
        {name}(x, y);
        fwrite(y, sizeof y, 1, stdout);
    }}
}}
"""


class Program:
    """Networks in one C file, which reads their samples and writes their outputs."""

    def __init__(self, folder, networks, change=lambda number, text: text):
        self.folder, self.parts = folder, []
        text = ""
        for number, network in enumerate(networks):
            name, path = f"net{number}", folder / f"net{number}.c"
            network.to_c(path, name=name)
            path.write_text(change(number, path.read_text()))
            T = "double" if network.dtype is np.float64 else "float"
            sizes = {"inputs": network.sizes[0], "outputs": network.sizes[-1]}
            text += f'#include "{path.name}"\n' + DRIVER.format(name=name, T=T, **sizes)
            X = samples_for(network, number)
            if network.sizes == (1, 4, 1):
                X = np.linspace(-2, 2, 21)[:, None].astype(network.dtype)
            self.parts.append((network, X))
        calls = [f"    all_of_net{k}({len(X)});\n" for k, (_, X) in enumerate(self.parts)]
        (folder / "all.c").write_text(f"{text}\nint main(void)\n{{\n{''.join(calls)}}}\n")

    def compiled(self, compiler, *options):
        command = [compiler, *options, *WARNINGS, "all.c", "-o", "all"]
        done = run(command, cwd=self.folder, text=True)
        assert done.returncode == 0, done.stderr
        return self

    def outputs(self, *emulator):
        """Of each network."""
        given = b"".join(X.tobytes() for _, X in self.parts)
        done = run([*emulator, str(self.folder / "all")], input=given)
        assert done.returncode == 0, done.stderr
        made, rest = [], done.stdout
        for network, X in self.parts:
            shape = len(X), network.sizes[-1]
            size = shape[0] * shape[1] * np.dtype(network.dtype).itemsize
            made.append(np.frombuffer(rest[:size], network.dtype).reshape(shape))
            rest = rest[size:]
        assert not rest
        return made

    def different(self, *emulator):
        """The numbers of networks whose outputs have other bits."""
        outputs = enumerate(zip(self.outputs(*emulator), self.parts, strict=True))
        return [
            number for number, (made, (network, X)) in outputs
            if made.tobytes() != network.predict_proba(X).tobytes()
        ]  # fmt: skip


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return Program(tmp_path_factory.mktemp("c"), all_networks())


@HERE
@pytest.mark.parametrize("options", LEVELS)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_bits(program, compiler, options):
    assert program.compiled(compiler, *options.split()).different() == []


@pytest.mark.skipif(
    not (is_there("aarch64-linux-gnu-gcc") and is_there("qemu-aarch64")),
    reason="there is no compiler for aarch64, or nothing to run it",
)
@pytest.mark.parametrize("options", ["-O0", "-O3"])
def test_bits_on_aarch64(program, options):
    program.compiled("aarch64-linux-gnu-gcc", options, "-static")
    assert program.different("qemu-aarch64") == []


MUTATIONS = {
    "the sum begins with the products": ("b[u] + x[0] * W[u] :", "x[0] * W[u] :"),
    "the order of inputs": ("W += units;", "W = W + (i == 1 ? (inputs - 1) * units : -units);"),
    "constants": ("0x1.62e42fee", "0x1.62e42fef"),
    "a term": ("r2 * 0x1.937e11175f095p-20", "0"),
    "a fraction of two": ("below / (below +", "1 / (1 + 1 / below *"),
}  # fmt: skip


@HERE
def test_other_orders_would_be_seen(tmp_path):
    network = network_of((4, 6, 2), "sigmoid", "softmax", True, np.float64)
    names = list(MUTATIONS)

    def change(number, text):
        if not number:
            return text
        old, new = MUTATIONS[names[number - 1]]
        assert old in text, names[number - 1]
        return text.replace(old, new)

    program = Program(tmp_path, [network] * (len(names) + 1), change)
    assert program.compiled(COMPILERS[0], "-O1").different() == [*range(1, len(names) + 1)]


@HERE
@pytest.mark.skipif(not ON_X86, reason="options of x86")
def test_fused_operations_would_be_seen(tmp_path):
    """Where the processor has them, and the file did not switch them off."""
    defined = run([COMPILERS[0], NATIVE, "-dM", "-E", "-xc", "/dev/null"]).stdout
    if b"__FMA__" not in defined:
        pytest.skip("the processor has none")
    networks = [network_of((4, 6, 2), "tanh", "softmax", True, dtype) for dtype in FLOATS]
    program = Program(tmp_path, networks, lambda _, text: with_fused_operations(text))
    assert program.compiled(COMPILERS[0], "-O3", NATIVE).different() == [0, 1]


def with_fused_operations(text):
    for off, on in (("contract=off", "contract=fast"), ("CONTRACT OFF", "CONTRACT ON")):
        assert off in text
        text = text.replace(off, on)
    return text


@HERE
@pytest.mark.parametrize(
    ("option", "message"),
    [("-ffast-math", "-ffast-math and its like give other bits"),
     pytest.param("-mfpmath=387", "arithmetic has more digits than double has",
                  marks=pytest.mark.skipif(not ON_X86, reason="an option of x86"))],
)  # fmt: skip
def test_options_that_would_change_bits_are_refused(option, message, tmp_path):
    if "387" in option and COMPILERS[0] != "gcc":
        pytest.skip("an option of gcc")
    network_of((2, 3, 1), "tanh", "sigmoid", True, np.float64).to_c(tmp_path / "net.c")
    done = run([COMPILERS[0], option, "-c", "net.c"], cwd=tmp_path, text=True)
    assert done.returncode
    assert message in done.stderr


@HERE
def test_sums_that_are_no_numbers(tmp_path):
    """NaN, where `predict_proba` raises an error."""
    for output in OUTPUTS:
        for activation in ("sigmoid", "tanh", "relu", "identity"):
            W = np.array([[1e300, -1e300], [1e300, -1e300]])
            network = Network(W.T, None, 0 * W, None, activation=activation, output=output)
            program = Program(tmp_path, [network]).compiled(COMPILERS[0], "-O2")
            program.parts = [(network, np.array([[1e300, 1e300]]))]
            with pytest.raises(OverflowError):
                network.predict_proba(program.parts[0][1])
            assert np.isnan(program.outputs()[0]).all()


def test_the_file_says_what_it_is(tmp_path, monkeypatch):
    network = fastxor.train(*fastxor.xor(), epochs=3).network
    network.to_c(tmp_path / "net.c")
    text = (tmp_path / "net.c").read_text()
    assert text.startswith(
        "/* A neural network of 2 inputs, 2 sigmoid units, 1 sigmoid output. Made by fastxor.\n\n"
        "   void predict(const double *x, double *y);\n\n"
        "   makes the 1 output of a sample, y[0], from its 2 inputs, x[0] to x[1], "
    )
    assert float(network.W1[1, 0]).hex() in text
    assert max(map(len, text.splitlines())) <= 100
    assert "tanh" not in text, "only what is needed"
    network.to_c(tmp_path / "again.c", name="predict")
    assert (tmp_path / "again.c").read_text() == text


@pytest.mark.parametrize(
    "name", ["", "2fast", "a b", "naïve", "a-b", "_x", "double", "main", "x;", "a\n", b"a", None, 3]
)
def test_names_that_c_does_not_allow(name, tmp_path):
    network, path = fastxor.train(*fastxor.xor(), epochs=1).network, tmp_path / "net.c"
    path.write_text("of before")
    with pytest.raises((ValueError, TypeError), match="name must be an identifier of C"):
        network.to_c(path, name=name)
    assert path.read_text() == "of before"
    with pytest.raises(OSError):
        network.to_c(tmp_path / "nowhere" / "net.c")
    assert [*tmp_path.iterdir()] == [path]


# --- the command line -------------------------------------------------------------------------
@pytest.fixture
def saved(tmp_path):
    network = network_of((2, 3, 1), "tanh", "sigmoid", True, np.float32)
    network.save(tmp_path / "net.npz")
    return network


@pytest.mark.parametrize("name", [None, "answer"])
def test_export_on_the_command_line(name, saved, tmp_path, capsys):
    given, out = str(tmp_path / "net.npz"), str(tmp_path / "net.c")
    assert main(["export", given, out, *(["--name", name] if name else [])]) == 0
    saved.to_c(tmp_path / "expected.c", name=name or "predict")
    assert (tmp_path / "net.c").read_text() == (tmp_path / "expected.c").read_text()
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    printed = capsys.readouterr().out
    assert "fastxor export xor.npz xor.c --name xor" in printed
    assert printed.splitlines()[0] + "\n" == f"2-3-1 tanh-sigmoid, float32: written to {out}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["net.npz", "net.cpp"], "OUT must end in .c or .onnx, got net.cpp"),
     (["net.npz", "net"], "OUT must end in .c or .onnx, got net"),
     (["net.npz", "net.c", "--name", "2"], "name must be an identifier of C"),
     (["net.npz", "net.c", "--name", ""], "name must be an identifier of C"),
     (["net.npz", "net.onnx", "--name", "a"], "--name must go with a .c file"),
     (["none.npz", "net.c"], "none.npz"), (["net.c", "net.c"], "net.c"),
     (["net.npz", "nowhere/net.c"], "nowhere/net.c")],
)  # fmt: skip
def test_bad_exports(arguments, message, saved, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *arguments]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("fastxor: ")
    assert message in err
    assert err.count("\n") == 1
    assert not out
    assert [path.name for path in tmp_path.iterdir()] == ["net.npz"]


def test_without_onnx():
    """One line says what to install, and nothing else needs it."""
    program = (
        "import sys\n"
        "import fastxor\n"
        "from fastxor.cli.main import main\n"
        "print('fastxor.exchange' in sys.modules)\n"
        "sys.modules['onnx'] = None\n"
        "network = fastxor.reference.train(*fastxor.xor(), epochs=1).network\n"
        "try:\n"
        "    network.to_onnx('net.onnx')\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    expected = "False\nNetwork.to_onnx needs onnx: pip install 'fastxor[onnx]'\n"
    assert in_new_process(program) == expected
