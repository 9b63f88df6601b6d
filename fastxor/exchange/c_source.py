"""A network as one C99 file."""

import re
import textwrap
from typing import Any

import numpy as np

from fastxor.common.checks import Array
from fastxor.contract import CONTRACT
from fastxor.contract.passes import Layer
from fastxor.exchange.c_functions import constant, functions_in_c

KEYWORDS = """
alignas alignof asm auto bool break case char const constexpr continue default do double else enum
extern false float for goto if inline int long main nullptr register restrict return short signed
sizeof static static_assert struct switch thread_local true typedef typeof typeof_unqual union
unsigned void volatile while
"""  # of C99 to C23, and what no function but the program's own may be called
HEAD = """\
/* A neural network of {what}. Made by fastxor.

   void {name}(const {T} *x, {T} *y);

   makes the {outputs} of a sample, {y}, from its {inputs}, {x}, which must not
   overlap. They have the bits that fastxor gives them: each operation is that of its contract,
   version {contract}, in IEEE 754 arithmetic, rounded to nearest, with subnormal numbers. There is
   nothing to link with and nothing that one call leaves to the next: threads may share it.

   No option of compilers is needed. Fused multiply-adds, which have other bits, are switched off
   below, and with them gcc's vectors, in which it would fuse all the same; -ffast-math is refused.
   Do not give clang -ffp-contract=fast, which overrules this file. */

#include <float.h>
#include <stdint.h>

#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16
#error "{name}: arithmetic has more digits than {T} has; on x86 use -msse2 -mfpmath=sse"
#endif
#if FLT_RADIX != 2 || {KIND}_MANT_DIG != {digits} || {KIND}_MAX_EXP != {most}
#error "{name}: {T} must be IEEE 754's"
#endif
#if defined __FAST_MATH__ || defined __ASSOCIATIVE_MATH__ || defined __RECIPROCAL_MATH__ || \\
    defined __NO_SIGNED_ZEROS__ || defined _M_FP_FAST || \\
    (defined __FINITE_MATH_ONLY__ && __FINITE_MATH_ONLY__)
#error "{name}: -ffast-math and its like give other bits"
#endif
#if defined __GNUC__ && !defined __clang__
#pragma GCC push_options
#pragma GCC optimize ("fp-contract=off", "no-tree-loop-vectorize", "no-tree-slp-vectorize")
#elif defined _MSC_VER && !defined __clang__
#pragma fp_contract (off)
#else
#pragma STDC FP_CONTRACT OFF
#endif
"""
TAIL = """
#if defined __GNUC__ && !defined __clang__
#pragma GCC pop_options
#endif
"""


def check_name(name: Any) -> str:
    """``name``, a C identifier that a function of a program may have.

    Raises TypeError or ValueError.
    """
    expected = "an identifier of C that does not begin with _"
    if not isinstance(name, str):
        raise TypeError(f"name must be {expected}, got {name!r:.60}")
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) or name in KEYWORDS.split():
        raise ValueError(f"name must be {expected} and is no word of the language, got {name!r}")
    return name


def source_of(layers: list[Layer], dtype: Any, name: str) -> str:
    """The file: constants, the functions that these layers have, and one called ``name``.

    Raises TypeError or ValueError for what is no such name.
    """
    name, is_double = check_name(name), dtype is np.float64
    T, activations = "double" if is_double else "float", [layer.activation for layer in layers]
    inputs, outputs = len(layers[0].W), layers[-1].W.shape[1]
    described = [f"{inputs} input{'s' * (inputs > 1)}"]
    for W, _, activation, _ in layers[:-1]:
        described.append(f"{W.shape[1]} {activation} units")
    described.append(f"{outputs} {activations[-1]} output{'s' * (outputs > 1)}")
    words = {
        "name": name, "T": T, "contract": CONTRACT, "what": ", ".join(described),
        "inputs": described[0], "outputs": f"{outputs} output{'s' * (outputs > 1)}",
        "x": _elements("x", inputs), "y": _elements("y", outputs),
        "KIND": "DBL" if is_double else "FLT", "digits": 53 if is_double else 24,
        "most": 1024 if is_double else 128,
    }  # fmt: skip
    parts = [HEAD.format(**words)]
    for number, (W, b, _, _) in enumerate(layers, 1):
        parts.append(f"\n/* layer {number}: a row for each of {len(W)} inputs */\n")
        parts.append(_array(f"{name}_W{number}", T, W))
        if b is not None:
            parts.append(_array(f"{name}_b{number}", T, b))
    parts += [functions_in_c(name, dtype, tuple(activations)), _function(layers, T, name), TAIL]
    return "".join(parts)


def _elements(name: str, count: int) -> str:
    return f"{name}[0]" if count == 1 else f"{name}[0] to {name}[{count - 1}]"


def _array(name: str, T: str, array: Array) -> str:
    lines = [f"static const {T} {name}[{array.size}] = {{"]
    for row in array:
        numbers = ", ".join(map(constant, row)) + ","
        lines += textwrap.wrap(numbers, 100, initial_indent="    ", subsequent_indent="    ")
    return "\n".join([*lines, "};\n"])


def _function(layers: list[Layer], T: str, name: str) -> str:
    declared = f"void {name}(const {T} *x, {T} *y)"
    lines = ["", f"{declared};", "", declared, "{"]
    lines += [f"    {T} a{n}[{W.shape[1]}];" for n, (W, *_) in enumerate(layers[:-1], 1)]
    source = "x"
    for number, (W, b, activation, scale) in enumerate(layers, 1):
        to = f"a{number}" if number < len(layers) else "y"
        biases = "0" if b is None else f"{name}_b{number}"
        sizes = ", ".join(map(str, W.shape))
        lines += ["", f"    {name}_sums({sizes}, {source}, {name}_W{number}, {biases}, {to});"]
        if scale != 1:
            lines.append(f"    for (int u = 0; u < {W.shape[1]}; u++)")
            lines.append(f"        {to}[u] = {to}[u] * {constant(W.dtype.type(scale))};")
        if activation != "identity":
            lines.append(f"    {name}_{activation}({W.shape[1]}, {to});")
        source = to
    return "\n".join([*lines, "}", ""])
