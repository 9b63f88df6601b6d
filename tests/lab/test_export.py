"""Networks as models of ONNX, and of scikit-learn's estimators."""

import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn import neural_network as theirs
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastxor.sklearn as ours
from fastxor import Network
from fastxor.cli.main import main
from fastxor.contract.functions import ACTIVATIONS
from fastxor.exchange.onnx_model import OPERATORS
from fastxor.networks.architecture import OUTPUTS, Architecture

CLOSE = {np.float64: 1e-13, np.float32: 5e-5}  # to outputs, or to the largest of them
FLOATS = pytest.mark.parametrize("dtype", CLOSE)


def network_of(sizes, activation, output, bias, dtype, scales=None):
    architecture = Architecture.of(sizes, activation, output, bias, scales)
    random = np.random.default_rng(len(sizes))
    arrays = [random.normal(size=s).astype(dtype) for s in architecture.shapes.values()]
    return Network.of(arrays, architecture)


def outputs_of(path, X):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (outputs,) = session.run(["outputs"], {"X": X})
    return outputs


def largest_of(outputs):
    return float(np.abs(outputs).max())


# --- onnx -------------------------------------------------------------------------------------
@FLOATS
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(
    ("sizes", "activation", "bias", "scales"),
    [((3, 2), (), True, None), ((3, 2), (), False, (0.7,)), ((2, 5, 3), "sigmoid", True, None),
     ((4, 6, 2), "relu", False, (2**0.5, 0.0625)),
     ((3, 9, 4, 17, 5), ("tanh", "identity", "relu"), (True, False, True, False), None)],
    ids=str,
)  # fmt: skip
def test_what_onnxruntime_makes_of_it(sizes, activation, bias, scales, output, dtype, tmp_path):
    network = network_of(sizes, activation, output, bias, dtype, scales)
    path = tmp_path / "net.onnx"
    network.to_onnx(path)
    for n in (1, 7, 100):
        X = np.random.default_rng(n).normal(size=(n, sizes[0]), scale=2).astype(dtype)
        expected, made = network.predict_proba(X), outputs_of(path, X)
        assert made.dtype == expected.dtype
        close = CLOSE[dtype]
        assert made == pytest.approx(expected, rel=close, abs=close * largest_of(expected))


def test_every_function_has_its_operator():
    assert {*OPERATORS, "identity"} == {*ACTIVATIONS, "softmax"}


@FLOATS
def test_the_model_has_the_networks_numbers(dtype, tmp_path):
    network = network_of((2, 3, 3, 2), "tanh", "softmax", (True, False, True), dtype)
    network.to_onnx(tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    onnx.checker.check_model(model, full_check=True)
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    assert list(arrays) == ["W1", "b1", "W2", "W3", "b3"]
    for name, array in arrays.items():
        assert array.tobytes() == getattr(network, name).tobytes()
    assert [node.op_type for node in model.graph.node] == ["Gemm", "Tanh"] * 2 + ["Gemm", "Softmax"]
    (given,), (made,) = model.graph.input, model.graph.output
    for value, name, size in ((given, "X", 2), (made, "outputs", 2)):
        n, columns = value.type.tensor_type.shape.dim
        assert (value.name, n.dim_param, columns.dim_value) == (name, "n", size)
    assert model.producer_name == "fastxor"


def test_onnx_on_the_command_line(tmp_path, capsys):
    network, path = network_of((2, 3, 1), "tanh", "sigmoid", True, np.float64), tmp_path / "a.npz"
    network.save(path)
    assert main(["export", str(path), str(tmp_path / "a.onnx")]) == 0
    network.to_onnx(tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


# --- scikit-learn -----------------------------------------------------------------------------
X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
EACH = pytest.mark.parametrize("source", [theirs, ours], ids=["scikit-learn", "fastxor"])


def fitted(estimator, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, y)


@EACH
@FLOATS
@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
@pytest.mark.parametrize("kind", ["two classes", "classes", "labels", "number", "numbers"])
def test_networks_of_estimators(kind, activation, dtype, source):
    options = {"hidden_layer_sizes": (7, 4), "activation": activation, "max_iter": 3}
    options["random_state"] = 0
    samples = X.astype(dtype)
    if kind == "number":
        estimator = fitted(source.MLPRegressor(**options), samples, X[:, 0])
        expected = estimator.predict(samples)[:, None]
    elif kind == "numbers":
        estimator = fitted(source.MLPRegressor(**options), samples, X[:, :2])
        expected = estimator.predict(samples)
    else:
        y = {"two classes": Y == 0, "classes": Y}.get(kind, np.eye(3, dtype=int)[Y])
        estimator = fitted(source.MLPClassifier(**options), samples, y)
        expected = estimator.predict_proba(samples)
        if kind == "two classes":
            expected = expected[:, 1:]
    network = Network.from_sklearn(estimator)
    assert network.dtype is dtype
    assert network.sizes == (4, 7, 4, expected.shape[1])
    outputs = network.predict_proba(samples)
    close = 1e-13 if dtype is np.float64 else 1e-5
    assert outputs == pytest.approx(expected, rel=close, abs=close * largest_of(expected))
    before = network.numbers
    for array in estimator.coefs_:
        array += 1
    assert (network.numbers == before).all(), "copies"


def test_no_hidden_layer_and_labels():
    samples, y = make_multilabel_classification(n_samples=50, random_state=0)
    estimator = fitted(theirs.MLPClassifier((), max_iter=3, random_state=0), samples, y)
    network = Network.from_sklearn(estimator)
    assert network.predict_proba(samples) == pytest.approx(estimator.predict_proba(samples))
    assert network.output == "sigmoid"


@EACH
def test_estimators_that_are_not_fitted(source):
    for kind in (source.MLPClassifier, source.MLPRegressor):
        with pytest.raises(ValueError, match="estimator must be fitted, got a MLP"):
            Network.from_sklearn(kind())


def test_what_is_no_such_estimator():
    expected = "estimator must be an MLPClassifier or MLPRegressor, got "
    for other in (LogisticRegression().fit(X, Y), theirs.BernoulliRBM(), None, theirs):
        with pytest.raises(TypeError, match=expected):
            Network.from_sklearn(other)
    pipeline = fitted(make_pipeline(StandardScaler(), theirs.MLPClassifier(max_iter=1)), X, Y)
    with pytest.raises(TypeError, match=f"{expected}Pipeline; of a pipeline, give its last step"):
        Network.from_sklearn(pipeline)
    assert Network.from_sklearn(pipeline[-1]).sizes == (4, 100, 3)


def test_functions_that_networks_have_not():
    estimator = fitted(theirs.MLPRegressor(max_iter=1), X, Y)
    estimator.out_activation_ = "exp"  # with loss="poisson"
    with pytest.raises(ValueError, match=r"out_activation_ must be one of .*, got 'exp'"):
        Network.from_sklearn(estimator)
