"""A network as a model of ONNX, with the package onnx (the extra ``onnx``)."""

from typing import Any

import numpy as np

from fastxor.common.checks import Array
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

    Each layer is a Gemm and its function; weights and biases are named W1, b1, ..., WL, bL.
    """
    kind = TensorProto.DOUBLE if dtype is np.float64 else TensorProto.FLOAT
    nodes, arrays, source = [], [], "X"
    for number, (W, b, activation) in enumerate(layers, 1):
        last = number == len(layers)
        parameters = [(f"W{number}", W)] + ([] if b is None else [(f"b{number}", b[0])])
        arrays += [_tensor(name, array) for name, array in parameters]
        made = "outputs" if last else f"A{number}"
        sums = made if activation == "identity" else f"Z{number}"
        given = [source, *(name for name, _ in parameters)]
        nodes.append(helper.make_node("Gemm", given, [sums], f"sums of layer {number}"))
        if activation != "identity":
            options = {"axis": -1} if activation == "softmax" else {}
            operator, name = OPERATORS[activation], f"{activation} of layer {number}"
            nodes.append(helper.make_node(operator, [sums], [made], name, **options))
        source = made
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


def _tensor(name: str, array: Array) -> Any:
    return numpy_helper.from_array(np.ascontiguousarray(array), name)
