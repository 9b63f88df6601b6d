"""A network as a model of ONNX, with the package onnx (the extra ``onnx``)."""

from typing import Any

import numpy as np

from fastxor.contract.passes import Layer

try:
    from onnx import TensorProto, checker, helper, numpy_helper
except ImportError as error:
    raise ImportError("Network.to_onnx needs onnx: pip install 'fastxor[onnx]'") from error

OPERATORS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "softmax": "Softmax"}
# the first with a softmax of the last dimension, and what all that read it can read
OPSET, IR_VERSION = 13, 7


def model_of(layers: list[Layer], dtype: Any) -> bytes:
    """The model's file: from X (n, I) to outputs (n, O), of float64 or float32.

    Each layer is a Gemm, a Mul where it has a scale, and its function; weights, biases and scales
    are named W1, b1, scale1, ..., WL, bL, scaleL. (Gemm's own factors are of float32.)
    """
    kind = TensorProto.DOUBLE if dtype is np.float64 else TensorProto.FLOAT
    nodes, arrays, source = [], [], "X"
    for number, (W, b, activation, scale) in enumerate(layers, 1):
        own = {f"W{number}": W} | ({} if b is None else {f"b{number}": b[0]})
        steps: list[tuple[str, list[str], str, dict[str, int]]] = [("Gemm", [*own], "sums", {})]
        if scale != 1:
            own[f"scale{number}"] = np.array(scale, dtype)
            steps.append(("Mul", [f"scale{number}"], "scale", {}))
        if activation != "identity":
            options = {"axis": -1} if activation == "softmax" else {}
            steps.append((OPERATORS[activation], [], activation, options))
        arrays += [numpy_helper.from_array(np.ascontiguousarray(a), n) for n, a in own.items()]
        for operator, given, what, options in steps:
            made = f"{what} of layer {number}"
            nodes.append(helper.make_node(operator, [source, *given], [made], made, **options))
            source = made
    nodes[-1].output[0] = "outputs"
    inputs, outputs = len(layers[0].W), layers[-1].W.shape[1]
    graph = helper.make_graph(
        nodes, "network",
        [helper.make_tensor_value_info("X", kind, ["n", inputs])],
        [helper.make_tensor_value_info("outputs", kind, ["n", outputs])],
        arrays,
    )  # fmt: skip
    model = helper.make_model(
        graph, producer_name="fastxor", ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )  # fmt: skip
    checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content
