"""`Network`: shapes, predictions, files."""

import os
import stat
from itertools import pairwise

import numpy as np
import pytest

import fastxor
from fastxor import Network
from fastxor.agreement import same_bits
from tests.conftest import samples, weights


def test_predictions(dtype):
    run = fastxor.train(*fastxor.xor(), hidden_size=4, seed=1, dtype=dtype)
    X, y = fastxor.xor()
    outputs = run.network.predict_proba(X)
    assert outputs.shape == (4, 1)
    assert outputs.dtype == dtype
    assert ((outputs > 0.5) == y).all()
    assert run.network.predict(X).tolist() == y.tolist()
    assert run.network.predict(X).dtype.kind == "i"


def test_predictions_do_not_depend_on_the_batch():
    network = weights(3, 5, 2)
    X, _ = samples(10_000, 3, 2)
    whole = network.predict_proba(X)
    for rows in (slice(0, 1), slice(4095, 4097), slice(9_000, 10_000)):
        assert same_bits(whole[rows], network.predict_proba(X[rows]))


LAYERS = {
    "none": ((3, 2), {}),
    "without biases": ((3, 4, 2), {"activation": "relu", "output": "identity"}),
    "three": ((3, 4, 5, 2), {"activation": ("tanh", "relu"), "output": "softmax"}),
}


def network_of(case):
    sizes, functions = LAYERS[case]
    random, arrays = np.random.default_rng(3), []
    for inputs, units in pairwise(sizes):
        bias = None if case == "without biases" else random.normal(size=(1, units))
        arrays += [random.normal(size=(inputs, units)), bias]
    return Network(*arrays, **functions), arrays


@pytest.mark.parametrize("case", LAYERS)
def test_networks_of_layers(case, tmp_path):
    network, arrays = network_of(case)
    sizes, functions = LAYERS[case]
    assert network.sizes == sizes
    assert [layer.W.shape for layer in network.layers] == list(pairwise(sizes))
    assert all(map(same_bits, network.arrays, [a for a in arrays if a is not None]))
    assert (network.b1 is None) == (arrays[1] is None)
    assert (network.activation, network.output) == (
        functions.get("activation", "sigmoid"), functions.get("output", "sigmoid"),
    )  # fmt: skip
    network.save(tmp_path / "net.npz")
    other = Network.load(tmp_path / "net.npz")
    assert other.architecture == network.architecture
    assert all(map(same_bits, network.arrays, other.arrays))
    X, _ = samples(9, 3, 2)
    assert same_bits(network.predict_proba(X), other.predict_proba(X))


def test_what_networks_say():
    X, _ = samples(9, 3, 2)
    softmax, numbers = network_of("three")[0], network_of("without biases")[0]
    outputs = softmax.predict_proba(X)
    assert np.allclose(outputs.sum(axis=1), 1)
    assert (softmax.predict(X) == (outputs == outputs.max(axis=1, keepdims=True))).all()
    assert same_bits(numbers.predict(X), numbers.predict_proba(X))


@pytest.mark.parametrize(
    ("arguments", "functions", "error", "message"),
    [((np.ones((2, 1)),), {}, TypeError, "parameters must be W1, b1, ..., WL, bL, got none for b1"),
     ((), {}, TypeError, "parameters must be W1, b1"),
     ((None, None), {}, TypeError, "W1 must hold real numbers"),
     ((np.ones((2, 1)), None), {"output": "relu"}, ValueError, "output must be 'sigmoid', 'iden"),
     ((np.ones((2, 1)), None), {"output": "softmax"}, ValueError, "of a single output"),
     ((np.ones((2, 1)), None), {"activation": ("tanh",)}, ValueError, "each of 0 hidden layers"),
     ((np.ones((2, 1)), None), {"w2": 1}, TypeError, "there is no argument w2"),
     ((np.ones((2, 1)), None), {"b1": None}, TypeError, "b1 must be given once")],
)  # fmt: skip
def test_networks_of_layers_refuse(arguments, functions, error, message):
    with pytest.raises(error, match=message):
        Network(*arguments, **functions)


def test_exactly_one_half_is_class_zero():
    network = Network(np.zeros((2, 2)), np.zeros((1, 2)), np.zeros((2, 1)), np.zeros((1, 1)))
    assert network.predict_proba([[1, 2]]).item() == 0.5
    assert network.predict([[1, 2]]).item() == 0


@pytest.mark.parametrize(
    ("X", "message"),
    [([[1, 2]], "X must have 3 columns"), ([1, 2, 3], "X must have 2 dimensions"),
     ([[1, 2, np.nan]], "X must be finite"), (np.zeros((0, 3)), "X must not be empty")],
)  # fmt: skip
def test_predictions_refuse_bad_input(X, message):
    with pytest.raises(ValueError, match=message):
        weights(3, 2, 1).predict(X)


def test_network_is_a_copy_of_one_dtype(dtype):
    arrays = [a.astype(dtype) for a in weights(2, 2, 1).arrays]
    network = Network(*arrays)
    assert network.dtype == dtype
    arrays[0][:] = 7
    assert (network.W1 != 7).all()
    assert Network(arrays[0].astype(np.float32), *arrays[1:]).dtype == dtype


@pytest.mark.parametrize(
    ("position", "array", "error", "message"),
    [(0, np.ones(2), ValueError, "W1 must have 2 dimensions, got shape \\(2,\\)"),
     (1, np.ones((1, 3)), ValueError, "b1 must have shape \\(1, 2\\), got \\(1, 3\\)"),
     (2, np.ones((3, 1)), ValueError, "W2 must have shape \\(2, 1\\)"),
     (3, np.ones((1, 2)), ValueError, "b2 must have shape \\(1, 1\\)"),
     (3, [[np.inf]], ValueError, "b2 must be finite"),
     (0, [["a", "b"]], TypeError, "W1 must hold real numbers")],
)  # fmt: skip
def test_network_refuses_bad_arrays(position, array, error, message):
    arrays = list(weights(2, 2, 1).arrays)
    arrays[position] = array
    with pytest.raises(error, match=message):
        Network(*arrays)


def test_network_refuses_a_bad_velocity():
    network = weights(2, 2, 1)
    with pytest.raises(ValueError, match="velocity must be 4 arrays, as W1, b1, W2, b2"):
        Network(*network.arrays, velocity=network.arrays[:3])
    with pytest.raises(ValueError, match=r"velocity must be 4 arrays, .*, got 5"):
        Network(*network.arrays, velocity=5)
    with pytest.raises(ValueError, match="velocity W1 must have shape"):
        Network(*network.arrays, velocity=(np.ones((3, 3)), *network.arrays[1:]))


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("name", ["net.npz", "net", "a b.net"])
def test_save_and_load(name, momentum, dtype, tmp_path):
    network = fastxor.train(*fastxor.xor(), epochs=5, momentum=momentum, dtype=dtype).network
    network.save(tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    other = Network.load(str(tmp_path / name))
    assert other.dtype == dtype
    assert all(map(same_bits, network.arrays, other.arrays))
    assert (other.velocity is None) == (momentum == 0)
    if momentum:
        assert all(map(same_bits, network.velocity, other.velocity))


def test_a_saved_file_is_a_plain_npz_that_others_may_read(tmp_path):
    previous = os.umask(0o022)
    try:
        weights(2, 2, 1).save(tmp_path / "net.npz")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "net.npz").stat().st_mode) == 0o644
    with np.load(tmp_path / "net.npz", allow_pickle=False) as file:
        assert sorted(file.files) == ["W1", "W2", "activations", "b1", "b2"]
        assert file["activations"].tolist() == ["sigmoid", "sigmoid"]


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    weights(2, 2, 1).save(tmp_path / "net.npz")
    before = (tmp_path / "net.npz").read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        weights(2, 9, 1).save(tmp_path / "net.npz")
    assert (tmp_path / "net.npz").read_bytes() == before
    assert os.listdir(tmp_path) == ["net.npz"]


def test_load_refuses_what_is_no_network(tmp_path):
    path = tmp_path / "net.npz"
    with pytest.raises(FileNotFoundError):
        Network.load(path)
    arrays = dict(zip(("W1", "b1", "W2", "b2"), weights(2, 2, 1).arrays, strict=True))
    contents = {
        "empty": b"", "text": b"hello", "a broken zip": b"PK\x03\x04 and then nothing",
    }  # fmt: skip
    for content in contents.values():
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"net\.npz holds no saved network"):
            Network.load(path)
    for bad in (
        {k: v for k, v in arrays.items() if k != "b2"},
        arrays | {"more": np.ones(2)},
        arrays | {"W1": np.ones((5, 5))},
        arrays | {"W1": np.array([["x", "y"]] * 2)},
        arrays | {"W1": np.array([[None, {}]] * 2)},  # pickled: must not be loaded
        arrays | {"velocity_W1": np.ones((2, 2))},
    ):
        np.savez(path, **bad)
        with pytest.raises(ValueError, match=r"net\.npz holds no saved network"):
            Network.load(path)
    with path.open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(ValueError, match="holds no saved network"):
        Network.load(path)
    weights(2, 2, 1).save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="holds no saved network"):
        Network.load(path)


def test_every_damaged_byte_gives_one_error(tmp_path):
    """Whatever zip, zlib and NumPy say of a damaged file, it is a ValueError or still a network."""
    path = tmp_path / "net.npz"
    arrays = dict(zip(("W1", "b1", "W2", "b2"), weights(2, 2, 1).arrays, strict=True))
    np.savez_compressed(path, **arrays)
    good = path.read_bytes()
    refused = 0
    for at in range(0, len(good), 3):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :])
        try:
            Network.load(path)
        except ValueError:
            refused += 1
    assert refused > len(good) // 6


def test_saving_keeps_links_modes_and_pipes(tmp_path):
    network, target, link = weights(2, 2, 1), tmp_path / "target.npz", tmp_path / "link"
    network.save(target)
    target.chmod(0o600)
    link.symlink_to(target)
    weights(2, 3, 1).save(link)
    assert link.is_symlink()
    assert Network.load(target).sizes == (2, 3, 1)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    network.save(os.devnull)
    assert not os.path.isfile(os.devnull)


def test_sums_that_overflow_are_no_prediction():
    network = Network([[1e308, 1.0], [-1e308, 1.0]], [[0.0, 0.0]], [[1.0], [1.0]], [[0.0]])
    with pytest.raises(OverflowError, match="overflow for row 1 of X"):
        network.predict([[1.0, 1.0], [100.0, 100.0]])
