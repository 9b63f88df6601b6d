"""PyTorch's networks, trained from the same starts in float64, have the same losses.

Its losses are means over samples and outputs, whose gradients are ours over their number.
"""

import numpy as np
import pytest

import fastxor
from fastxor import reference
from fastxor.contract.functions import ACTIVATIONS
from fastxor.networks.architecture import Architecture
from fastxor.networks.network import Network
from tests.conftest import samples

torch = pytest.importorskip("torch")
nn = torch.nn
torch.set_num_threads(1)  # several wait for each other longer than these networks take

N, EPOCHS, RATE = 24, 50, 0.004
FUNCTIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "identity": nn.Identity}
# function of the outputs, our loss, theirs, and gradients of ours over those of its mean
ENDS = [
    ("identity", "mse", nn.MSELoss, lambda n, outputs: n * outputs / 2),
    ("tanh", "mse", nn.MSELoss, lambda n, outputs: n * outputs / 2),
    ("sigmoid", "mse", nn.MSELoss, lambda n, outputs: n * outputs / 2),
    ("sigmoid", "log_loss", nn.BCEWithLogitsLoss, lambda n, outputs: n * outputs),
    ("softmax", "log_loss", nn.CrossEntropyLoss, lambda n, outputs: n),
]
OPTIMIZERS = [
    {"momentum": 0.9, "nesterov": True, "l2": 0.1},
    {"l2": 0.5, "schedule": 0.97 ** np.arange(EPOCHS)},
    # with hardly an epsilon, as theirs is added to what is corrected, and ours to what is not
    {"optimizer": "adam", "learning_rate": 0.01, "epsilon": 1e-15},
    {"optimizer": "adam", "learning_rate": 0.01, "epsilon": 1e-15, "l2": 0.5},
]
ENGINES = pytest.mark.parametrize("engine", [reference, fastxor], ids=["reference", "fastxor"])
EACH_END = pytest.mark.parametrize(
    ("output", "loss", "their_loss", "scale"), ENDS, ids=[f"{end[0]}-{end[1]}" for end in ENDS]
)


def data_of(output):
    X, y = samples(N, 3, 3)
    return X, y / y.sum(axis=1, keepdims=True) if output == "softmax" else y


def start_of(hidden, activation, output, bias=True, scales=None):
    architecture = Architecture.of((3, *hidden, 3), activation, output, bias, scales)
    random = np.random.default_rng(len(hidden))
    arrays = [random.uniform(-0.9, 0.9, shape) for shape in architecture.shapes.values()]
    return Network.of(arrays, architecture)


class Times(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, z):
        return z * self.scale


def their_model(start, with_logits):
    parts = []
    for W, b, activation, scale in start.layers:
        linear = nn.Linear(*W.shape, bias=b is not None, dtype=torch.float64)
        with torch.no_grad():
            linear.weight[:] = torch.from_numpy(W.T.copy())
            if b is not None:
                linear.bias[:] = torch.from_numpy(b[0].copy())
        parts += [linear, Times(scale)]
        parts += [] if activation == "softmax" else [FUNCTIONS[activation]()]
    if with_logits and start.output != "softmax":
        parts.pop()
    return nn.Sequential(*parts)


def their_optimizer(model, scale, settings):
    """That of our settings, by gradients of which ours are ``scale`` times as large."""
    l2 = settings.get("l2", 0.0) / scale
    parts = [
        {"params": [p for p in model.parameters() if p.ndim == 2], "weight_decay": l2},
        {"params": [p for p in model.parameters() if p.ndim == 1]},
    ]
    if settings.get("optimizer") == "adam":
        return torch.optim.Adam(parts, lr=settings["learning_rate"], eps=1e-15)
    momentum, nesterov = settings.get("momentum", 0), settings.get("nesterov", False)
    rate = settings["learning_rate"] * scale
    return torch.optim.SGD(parts, lr=rate, momentum=momentum, nesterov=nesterov)


def trained_by_torch(X, y, start, loss, their_loss, scale, settings):
    """Its losses of all epochs, and its model."""
    model, measure = their_model(start, loss == "log_loss"), their_loss()
    optimizer = their_optimizer(model, scale, settings)
    factors = settings.get("schedule")
    X, y, losses = torch.from_numpy(X), torch.from_numpy(y), []
    for epoch in range(EPOCHS):
        if factors is not None:
            for part in optimizer.param_groups:
                part["lr"] = settings["learning_rate"] * scale * factors[epoch]
        optimizer.zero_grad()
        error = measure(model(X), y)
        error.backward()
        optimizer.step()
        losses.append(error.item())
    return np.array(losses), model


def check(engine, start, output, loss, their_loss, scale, **settings):
    X, y = data_of(output)
    settings = {"learning_rate": RATE} | settings
    expected, model = trained_by_torch(X, y, start, loss, their_loss, scale(*y.shape), settings)
    run = engine.train(
        X, y, initial=start, hidden_size=start.sizes[1:-1], loss=loss, epochs=EPOCHS, **settings,
    )  # fmt: skip
    assert run.losses == pytest.approx(expected, rel=1e-9, abs=0)
    assert run.losses[-1] < run.losses[0], "both learn"
    theirs = [p.detach().numpy() for p in model.parameters()]
    for ours, their_array in zip(run.network.arrays, theirs, strict=True):
        expected = their_array.T if their_array.ndim == 2 else their_array[None]
        assert ours == pytest.approx(expected, rel=1e-8, abs=1e-10)


@ENGINES
@pytest.mark.parametrize("momentum", [0, 0.9])
@EACH_END
@pytest.mark.parametrize("hidden", [(5,), (5, 4), (4, 5, 3)], ids=str)
@pytest.mark.parametrize("activation", FUNCTIONS)
def test_losses_are_those_of_torch(
    activation, hidden, output, loss, their_loss, scale, momentum, engine
):
    start = start_of(hidden, activation, output)
    check(engine, start, output, loss, their_loss, scale, momentum=momentum)


@ENGINES
@EACH_END
@pytest.mark.parametrize("settings", OPTIMIZERS, ids=str)
def test_losses_of_optimizers(settings, output, loss, their_loss, scale, engine):
    check(engine, start_of((5, 4), "tanh", output), output, loss, their_loss, scale, **settings)


@EACH_END
@pytest.mark.parametrize(
    ("hidden", "activation"),
    [((), ()), ((5,), "tanh"), ((4, 5, 3, 4), ("relu", "sigmoid", "tanh", "identity"))],
    ids=str,
)
def test_losses_without_biases(hidden, activation, output, loss, their_loss, scale):
    """And of no hidden layer, of four, and of several functions."""
    for bias in (False, (False,) * len(hidden) + (True,)):
        start = start_of(hidden, activation, output, bias)
        check(reference, start, output, loss, their_loss, scale, momentum=0.9)


@ENGINES
@EACH_END
def test_losses_of_scales(output, loss, their_loss, scale, engine):
    start = start_of((5, 4), ("tanh", "relu"), output, scales=(0.5, 3.0, 0.7))
    check(engine, start, output, loss, their_loss, scale, momentum=0.9)


@EACH_END
def test_losses_of_batches(output, loss, their_loss, scale):
    """Of unequal sizes, without means, so that the rate is ours."""
    X, y = data_of(output)
    start, bounds = start_of((5, 4), "tanh", output), [(0, 10), (10, 20), (20, 24)]
    model, measure = their_model(start, loss == "log_loss"), their_loss(reduction="sum")
    rate = RATE / 2 if loss == "mse" else RATE
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.5)
    expected = []
    for _ in range(EPOCHS):
        total = 0.0
        for first, end in bounds:
            optimizer.zero_grad()
            error = measure(model(torch.from_numpy(X[first:end])), torch.from_numpy(y[first:end]))
            error.backward()
            optimizer.step()
            total += error.item()
        expected.append(total / (N if output == "softmax" else y.size))
    run = reference.train(
        X, y, initial=start, hidden_size=(5, 4), loss=loss, epochs=EPOCHS, learning_rate=RATE,
        momentum=0.5, batch_size=10,
    )  # fmt: skip
    assert run.losses == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_wrong_function_would_be_seen(name, monkeypatch):
    others = {"sigmoid": nn.Tanh, "tanh": nn.Identity, "relu": nn.ELU, "identity": nn.ReLU}
    monkeypatch.setitem(FUNCTIONS, name, others[name])
    with pytest.raises(AssertionError):
        check(reference, start_of((5, 4), name, "softmax"), *ENDS[4])


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_torch_computes_the_functions_likewise(name):
    z = torch.linspace(-30, 30, 10_001, dtype=torch.float64)
    ours = ACTIVATIONS[name][0](z.numpy())
    assert ours == pytest.approx(FUNCTIONS[name]()(z).numpy(), rel=3e-15, abs=0)


# --- networks of modules ----------------------------------------------------------------------
def sequential(*parts, seed=0, dtype=torch.float64):
    torch.manual_seed(seed)
    return nn.Sequential(*(part() for part in parts)).to(dtype).eval()


def linear(*sizes, **options):
    return lambda: nn.Linear(*sizes, **options)


TANH = nn.Tanh()
MODULES = {
    "linear": [linear(3, 2)],
    "softmax": [linear(3, 2), lambda: nn.Softmax(dim=-1)],
    "tutorial": [linear(3, 4), nn.Sigmoid, linear(4, 1), nn.Sigmoid],
    "linear layers": [linear(3, 4), linear(4, 4), nn.Identity, linear(4, 2)],
    "without biases": [linear(3, 4, bias=False), nn.ReLU, linear(4, 2), nn.Tanh],
    "one function twice": [linear(3, 4), lambda: TANH, linear(4, 5), lambda: TANH, linear(5, 2)],
    "nested": [
        lambda: nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Identity(), nn.ReLU())),
        nn.Dropout, lambda: nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-13), (torch.float32, 1e-5)])
def test_networks_of_modules(name, dtype, close):
    module = sequential(*MODULES[name], dtype=dtype)
    network = Network.from_torch(module)
    X = torch.from_numpy(samples(50, 3, 1)[0]).to(dtype)
    expected = module(X).detach().numpy()
    assert network.predict_proba(X.numpy()) == pytest.approx(expected, rel=close, abs=close)
    assert network.dtype == expected.dtype.type
    before = network.numbers
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 1
    assert (network.numbers == before).all(), "copies"


def test_a_network_of_a_module_has_its_layers():
    network = Network.from_torch(sequential(*MODULES["nested"]))
    assert network.sizes == (3, 4, 3)
    assert (network.activation, network.output) == ("relu", "softmax")
    assert Network.from_torch(nn.Linear(2, 3)).sizes == (2, 3)
    assert Network.from_torch(sequential(*MODULES["without biases"])).b1 is None


class Own(nn.Linear):
    def forward(self, x):
        return super().forward(x) ** 2


WRONG = [
    ([linear(2, 2), nn.GELU], r"module\[1\] \(GELU\)"),
    ([linear(2, 2), nn.ReLU], r"module\[1\] \(ReLU\) must not be of the last layer"),
    ([nn.Tanh, linear(2, 2)], r"module\[0\] \(Tanh\) must follow a Linear"),
    ([linear(2, 2), nn.Tanh, nn.Sigmoid], r"module\[2\] \(Sigmoid\) must follow a Linear"),
    ([linear(2, 2), lambda: nn.Softmax(dim=0)], r"module\[1\] \(Softmax\) must have dim=-1"),
    ([linear(2, 2), lambda: nn.Softmax(-1), linear(2, 2)], r"module\[2\] .* must not follow"),
    ([linear(2, 1), lambda: nn.Softmax(-1)], "output must not be 'softmax' of a single output"),
    ([lambda: Own(2, 2)], r"module\[0\] \(Own\)"),
    ([lambda: nn.Sequential(nn.Flatten()), linear(2, 2)], r"module\[0\.0\] \(Flatten\)"),
    ([nn.Identity], "must have a Linear layer"),
    ([], "must have a Linear layer"),
    ([linear(2, 3), linear(2, 3)], "W2 must have shape"),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "message"), WRONG, ids=[message for _, message in WRONG])
def test_modules_that_are_no_networks(parts, message):
    with pytest.raises(ValueError, match=message):
        Network.from_torch(sequential(*parts))


def test_modules_that_do_something_else():
    for other in (nn.GRU(2, 2), Own(2, 2), None, "Linear", nn.Sequential):
        with pytest.raises(TypeError, match=r"module must be a torch\.nn\.Sequential of Linear, "):
            Network.from_torch(other)
    with pytest.raises(ValueError, match=r"module\[0\] \(Linear\) .* got torch\.float16"):
        Network.from_torch(sequential(linear(2, 2), dtype=torch.float16))
    dropping = sequential(linear(2, 2), nn.Dropout).train()
    with pytest.raises(ValueError, match=r"module\[1\] \(Dropout\) .* module\.eval\(\)"):
        Network.from_torch(dropping)
    hooked = sequential(linear(2, 2))
    hooked[0].register_forward_hook(lambda module, given, made: 2 * made)
    with pytest.raises(ValueError, match=r"module\[0\] \(Linear\) must not have hooks"):
        Network.from_torch(hooked)
