"""`Network`: the parameters of one network, its predictions and its file."""

import os
from typing import Any

import numpy as np

from fastxor.common import checks, generators, npz
from fastxor.common.checks import Array
from fastxor.common.files import written_whole
from fastxor.common.html import table
from fastxor.networks.architecture import Architecture
from fastxor.networks.carried import check_adam
from fastxor.networks.parameters import (
    Parameters,
    architecture_of,
    common_dtype,
    given_arrays,
    velocity_given,
)
from fastxor.networks.predictions import classes_of, outputs_of


class Network(Parameters):
    """A network of layers: ``Network(W1, b1, W2, b2, ..., WL, bL)``.

    W1 (I, H1), b1 (1, H1), W2 (H1, H2), ... WL (.., O), bL (1, O) are copied to arrays of one
    dtype: float32 if all are, else float64; None in place of biases where a layer has none. They
    are attributes of these names. ``activation``: the function of hidden layers, "sigmoid", "tanh",
    "relu" or "identity", or a tuple of one each; ``output``: that of the outputs, "sigmoid",
    "identity", "tanh" or "softmax". ``scales``: what the sums of each layer are multiplied with
    before its function, a tuple of one each, or None. ``velocity`` is what momentum carries from
    one update to the next, arrays like ``arrays``; None without momentum. ``adam`` is what Adam
    carries, (2 * parameters + 2,): the means of gradients, in the order of ``numbers``, those of
    their squares, and beta1 and beta2 to the power of the updates so far; or None. ``generator`` is
    what shuffles the samples of the next epoch, a `numpy.random.Generator` of PCG64, copied too;
    None without shuffling. With them, training that starts from this network goes on as if it had
    never stopped.

    Raises ValueError or TypeError, naming the array, for shapes that do not match and for
    what is not a finite real number.
    """

    generator: np.random.Generator | None

    def __init__(
        self,
        *parameters: Any,
        activation: Any = "sigmoid",
        output: str = "sigmoid",
        scales: Any = None,
        velocity: Any = None,
        adam: Any = None,
        generator: np.random.Generator | None = None,
        **named: Any,
    ) -> None:
        given = given_arrays(parameters, named)
        dtype = common_dtype(given)
        architecture = architecture_of(given, activation, output, scales, dtype)
        for name, array in given.items():
            if array is not None:
                checks.finite(name, array, dtype)
                given[name] = array.astype(dtype)
        self._set(given, architecture)
        self.velocity = None
        if velocity is not None:
            others = velocity_given(velocity, architecture)
            for name, shape in architecture.shapes.items():
                if others[name].shape != shape:
                    got = others[name].shape
                    raise ValueError(f"velocity {name} must have shape {shape}, got {got}")
                checks.finite(f"velocity {name}", others[name], dtype)
            self.velocity = tuple([array.astype(dtype) for array in others.values()])
        self.adam = None
        if adam is not None:
            self.adam = check_adam(adam, (), architecture, dtype, ndim=(1,))
            checks.finite("adam", self.adam, dtype)
        self.generator = None
        if generator is not None:
            self.generator = generators.with_state(generators.state_of(generator))

    @classmethod
    def of(
        cls,
        arrays: Any,
        architecture: Architecture,
        velocity: Any = None,
        adam: Array | None = None,
        generator: np.random.Generator | None = None,
    ) -> "Network":
        """A network of ``arrays`` in the order of ``arrays``, without None for missing biases.

        They, ``velocity`` and ``adam`` are known to be good, and the network's own from now on:
        nothing is checked or copied but the generator.
        """
        if generator is not None:
            generator = generators.with_state(generators.state_of(generator))
        return cls._made(arrays, architecture, velocity, adam, generator=generator)

    @classmethod
    def from_sklearn(cls, estimator: Any) -> "Network":
        """The network of a fitted MLPClassifier or MLPRegressor, scikit-learn's or fastxor's.

        Its arrays are copies of ``coefs_`` and ``intercepts_``, in their dtype; its outputs are
        those of the estimator but for rounding. Raises TypeError for what is none of these,
        ValueError where it is not fitted or has a function that networks have not.
        """
        from fastxor.exchange.from_sklearn import network_in

        parameters, functions = network_in(estimator)
        return cls(*parameters, **functions)

    @classmethod
    def from_torch(cls, module: Any) -> "Network":
        """The network of a `torch.nn.Sequential`, or of Sequentials in it, or of one Linear.

        Of Linear, with biases or without, each perhaps followed by Sigmoid, Tanh, ReLU or, at the
        end, Softmax(dim=-1) or Softmax(dim=1); Identity and, after ``module.eval()``, Dropout
        change nothing. Arrays are copies, float64 or float32; outputs are those of the module but
        for rounding. Raises TypeError for another module, ValueError that names the layer for
        another layer, order, dtype, or for Dropout in training.
        """
        from fastxor.exchange.from_torch import network_in

        parameters, functions = network_in(module)
        return cls(*parameters, **functions)

    def __repr__(self) -> str:
        return f"<Network {self.architecture}, {np.dtype(self.dtype)}>"

    def _repr_html_(self) -> str:
        return table("Network", self.facts)

    def predict_proba(self, X: Any, threads: int | None = None) -> Array:
        """The outputs (n, O) for the samples X (n, I), in the network's dtype.

        Of many samples, made by at most so many ``threads``, by default as many as there are cores.
        Raises ValueError or TypeError for bad samples, OverflowError where a sum inside the
        network is not a number.
        """
        (outputs,), finite = outputs_of(self.numbers[None], self.architecture, X, threads)
        if not finite and np.isnan(outputs.min()):
            row = np.argwhere(np.isnan(outputs))[0, 0]
            raise OverflowError(f"the sums inside the network overflow for row {row} of X")
        return np.asarray(outputs)

    def predict(self, X: Any, threads: int | None = None) -> Array:
        """What the network says of the samples X (n, I): (n, O).

        Of sigmoid outputs the classes, 0 or 1: is the output above 0.5? Of a softmax 1 for the
        largest output, the first of such, and 0 for others. Of other outputs the numbers
        themselves. ``threads``: see `predict_proba`.
        """
        return classes_of(self.predict_proba(X, threads), self.output)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to ``path``, an ``.npz`` of plain arrays; whole or not at all."""
        arrays = self.state | {"activations": np.array(self.architecture.activations)}
        if self.scales:
            arrays["scales"] = np.array(self.scales)
        if self.generator is not None:
            arrays["generator"] = generators.state_of(self.generator)
        npz.write(path, arrays)

    def to_c(self, path: str | os.PathLike[str], name: str = "predict") -> None:
        """Write ``path``, a C99 file that needs no library; whole or not at all.

        It has one function, ``void name(const double *x, double *y)``, with float for float32: from
        the inputs (I,) of a sample to its outputs (O,), which have the bits of `predict_proba`.
        NaN where that raises an OverflowError. Raises TypeError or ValueError for a ``name`` that C
        does not allow, OSError where the file cannot be written.
        """
        from fastxor.exchange.c_source import source_of

        source = source_of(self.layers, self.dtype, name)
        with written_whole(path) as file:
            file.write(source.encode("ascii"))

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the network to ``path`` as a model of ONNX; whole or not at all.

        Its input X (n, I) and its output, "outputs" (n, O), are of the network's dtype, n is any
        number. What runs it has other last bits than `predict_proba`: onnxruntime's outputs of
        small networks are within 1e-13 (float32: 5e-5) of the largest. Needs the package onnx, the
        extra fastxor[onnx]; raises ImportError without it, OSError where the file cannot be
        written.
        """
        from fastxor.exchange.onnx_model import model_of

        model = model_of(self.layers, self.dtype)
        with written_whole(path) as file:
            file.write(model)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Network":
        """The network that `save` wrote to ``path``.

        Raises OSError where the file cannot be read, ValueError where it holds no network.
        """
        try:
            arrays = npz.read(path)
            state, adam = arrays.pop("generator", None), arrays.pop("adam", None)
            generator = None if state is None else generators.with_state(state)
            # files of before there was a choice name no functions and have all of four arrays
            old = "activations" not in arrays
            names = arrays.pop("activations", np.array(["sigmoid"] * 2)).astype(str).tolist()
            scales = arrays.pop("scales", None)
            velocity = {name[9:]: arrays.pop(name) for name in [*arrays] if name[:9] == "velocity_"}
            if len(names) > 2**16 or not names:
                raise ValueError(f"it must name the function of each layer, got {len(names)}")
            expected = [f"{kind}{k}" for k in range(1, len(names) + 1) for kind in "Wb"]
            if wrong := {*arrays} - {*expected} or {*expected[:: 1 if old else 2]} - {*arrays}:
                raise ValueError(f"it must have {', '.join(expected)}, not {', '.join(wrong)}")
            if velocity and velocity.keys() != arrays.keys():
                raise ValueError(f"it must have a velocity of each, got {', '.join(velocity)}")
            return cls(
                **dict.fromkeys(expected) | arrays, adam=adam, generator=generator,
                activation=tuple(names[:-1]), output=names[-1],
                scales=None if scales is None else scales.tolist(),
                velocity=[velocity[n] for n in expected if n in arrays] if velocity else None,
            )  # fmt: skip
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{os.fspath(path)} holds no saved network: {error}") from None
