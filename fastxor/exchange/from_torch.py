"""Modules of PyTorch as what `Network` is called with.

PyTorch is not imported: its classes are known by their names. Only they themselves are, as a class
that inherits from one may do something else.
"""

from collections.abc import Iterator
from typing import Any

FUNCTIONS = {"Sigmoid": "sigmoid", "Tanh": "tanh", "ReLU": "relu", "Softmax": "softmax"}
AS_THEY_ARE = "Identity", "Dropout"  # change nothing
KNOWN = ("Linear", *FUNCTIONS, *AS_THEY_ARE)
DTYPES = "torch.float64", "torch.float32"


def network_in(module: Any) -> tuple[list[Any], dict[str, Any]]:
    """W1, b1, ..., WL, bL, with None for biases that are not there, and the functions of layers.

    Raises TypeError for what is no module of PyTorch's, ValueError that names the layer for one
    that a network does not have.
    """
    parameters: list[Any] = []
    functions: list[str | None] = []
    for where, layer in _layers(module, ""):
        kind, last = type(layer).__name__, functions[-1] if functions else "none"
        if kind == "Linear":
            if last == "softmax":
                raise ValueError(f"{where} must not follow Softmax, which only outputs have")
            parameters += [_numbers(where, layer.weight).T.copy(), None]
            if layer.bias is not None:
                parameters[-1] = _numbers(where, layer.bias)[None]
            functions.append(None)
        elif kind == "Dropout":
            if layer.training and layer.p:
                raise ValueError(f"{where} must not be in training: call module.eval() before")
        elif kind in FUNCTIONS:
            if last is not None:
                raise ValueError(f"{where} must follow a Linear layer")
            if kind == "Softmax" and layer.dim not in (-1, 1):
                raise ValueError(f"{where} must have dim=-1 or dim=1, got dim={layer.dim}")
            functions[-1], place = FUNCTIONS[kind], where
    if not functions:
        raise ValueError("module must have a Linear layer, got none")
    if functions[-1] == "relu":
        raise ValueError(f"{place} must not be of the last layer: outputs cannot have it")
    *hidden, output = [function or "identity" for function in functions]
    return parameters, {"activation": tuple(hidden), "output": output}


def _layers(module: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Those of nested Sequentials in order, each with words that say which it is."""
    kind = type(module).__name__
    where = f"module[{path}] ({kind})" if path else f"module ({kind})"
    if not type(module).__module__.startswith("torch.nn.modules.") or kind not in (
        "Sequential", *KNOWN,
    ):  # fmt: skip
        expected = f"a torch.nn.Sequential of {', '.join(KNOWN[:-1])} and {KNOWN[-1]}"
        error = ValueError if path else TypeError
        raise error(f"module must be {expected}, got {where}")
    if module._forward_hooks or module._forward_pre_hooks:
        raise ValueError(f"{where} must not have hooks, which may change what it does")
    if kind != "Sequential":
        yield where, module
        return
    for name, child in module._modules.items():  # `named_children` leaves out what comes again
        yield from _layers(child, f"{path}.{name}" if path else name)


def _numbers(where: str, tensor: Any) -> Any:
    """A tensor as NumPy's array."""
    if str(tensor.dtype) not in DTYPES:
        expected = " or ".join(DTYPES)
        raise ValueError(f"{where} must have parameters of {expected}, got {tensor.dtype}")
    return tensor.detach().cpu().numpy()
