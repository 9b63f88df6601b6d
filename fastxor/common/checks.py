"""Bad input gets one exception that names the argument, what was expected and what came."""

import math
import operator
import os
from numbers import Complex, Number, Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

NO_NUMBERS = (bool, np.bool_, str, bytes)  # though float() takes them
MOST_THREADS = 2**16  # are as good as any more
SMALL = 32  # numbers, whose sum Python has in 0.3 us; NumPy takes 1.4 us to look at any number
LARGEST = {dtype: float(np.finfo(dtype).max) for dtype in (np.float64, np.float32)}


def numbers(
    name: str, value: Any, *, ndim: tuple[int, ...] | None = (2,), empty: bool = False
) -> Array:
    """``value`` as an array of real numbers of ``ndim`` dimensions, or any; no copy if it is one.

    Objects that are numbers will do, as those of a frame with columns of several types. Raises
    TypeError for complex numbers, other objects and text, ValueError for missing values, another
    number of dimensions or an empty, ragged or masked array.
    """
    is_plain = type(value) is np.ndarray and value.dtype.kind == "f" and value.size > 0
    if is_plain and (ndim is None or value.ndim in ndim):
        return np.asarray(value)  # in a tenth of the time
    if np.ma.is_masked(value):
        raise ValueError(
            f"{name} must not have masked entries, got {np.ma.getmaskarray(value).sum()}"
        )
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(
            f"{name} must be a rectangular array of numbers, got a ragged one"
        ) from None
    if array.dtype.kind in "OUS":
        # not as text, which a list of numbers and text has become
        given = array if isinstance(value, np.ndarray) else np.asarray(value, object)
        array = _of_objects(name, given)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got an array of dtype {array.dtype}")
    if ndim is not None and array.ndim not in ndim:
        expected = " or ".join(map(str, ndim))
        raise ValueError(f"{name} must have {expected} dimensions, got shape {array.shape}")
    if array.size == 0 and not empty:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    return array


def _of_objects(name: str, array: Array) -> Array:
    """The numbers in an array of objects, as NumPy would have them from a list."""
    objects = array.ravel().tolist()
    if wrong := {kind for kind in set(map(type, objects)) if not _is_real(kind)}:
        place = next(i for i, each in enumerate(objects) if type(each) in wrong)
        at = [int(i) for i in np.unravel_index(place, array.shape)]
        got = f"got {objects[place]!r:.60}" + (f" at {at}" if at else "")
        # None, NaT and NA, of pandas
        if at and type(objects[place]).__name__ in ("NoneType", "NaTType", "NAType"):
            raise ValueError(f"{name} must not have missing values, {got}")
        raise TypeError(f"{name} must hold real numbers, {got}")
    result = np.array(objects)
    if result.dtype == object:  # decimals, fractions, large integers
        result = np.array([_as_float(each) for each in objects])
    return result.reshape(array.shape)


def _is_real(kind: type) -> bool:
    # a decimal is a Number and nothing more
    decimal = issubclass(kind, Number) and not issubclass(kind, Complex)
    return issubclass(kind, (Real, np.bool_)) or decimal


def _as_float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf
    except ValueError:  # a decimal that is no number
        return math.nan


def finite(name: str, array: Array, dtype: Any) -> None:
    """Raise ValueError unless all of ``array`` is finite as ``dtype``.

    Looks at the extremes, which takes no memory and shows NaN too.
    """
    if array.dtype.kind != "f":  # the largest integers are
        return
    if array.size <= SMALL and array.dtype.type is dtype and all_finite(array.ravel()):
        return
    limit = LARGEST[dtype]
    if -limit <= float(array.min()) and float(array.max()) <= limit:
        return
    with np.errstate(over="ignore"):
        wrong = ~(np.abs(array.astype(np.float64)) <= limit)
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    raise ValueError(f"{name} must be finite in {np.dtype(dtype)}, got {array[at]} at {list(at)}")


def all_finite(array: Array) -> bool:
    """Is all of ``array`` (n,)?"""
    if array.size <= SMALL and math.isfinite(sum(array.tolist())):
        return True
    return bool(np.isfinite(array).all())


def integer(name: str, value: Any, *, low: int, high: int | None = None) -> int:
    """``value`` as an int of at least ``low``; booleans and fractions are not integers."""
    if type(value) is int and low <= value and (high is None or value <= high):
        return value  # in a third of the time
    try:
        number = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        number = None
    if number is not None and number >= low and (high is None or number <= high):
        return number
    expected = f"an integer of at least {low}" + (f" and at most {high}" if high else "")
    if number is None:
        raise TypeError(f"{name} must be {expected}, got {value!r}")
    raise ValueError(f"{name} must be {expected}, got {number}")


def threads(value: Any) -> int | None:
    """At most so many; None for as many as there are cores."""
    return None if value is None else min(integer("threads", value, low=1), MOST_THREADS)


def boolean(name: str, value: Any) -> bool:
    """``value``, a bool; 0 and 1 are not."""
    if value is True or value is False:
        return value
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def real(name: str, value: Any, dtype: Any, low: float = -math.inf) -> float:
    """``value`` as a float that is finite as ``dtype`` too, and at least ``low``."""
    if type(value) is float and low <= value and -LARGEST[dtype] <= value <= LARGEST[dtype]:
        return value  # in a tenth of the time
    try:
        wrong = isinstance(value, NO_NUMBERS) or value is np.ma.masked or np.ndim(value)
        number = None if wrong else float(value)
    except OverflowError:
        number = float("inf")
    except (TypeError, ValueError):
        number = None
    if number is None:
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not abs(number) <= LARGEST[dtype]:
        raise ValueError(f"{name} must be finite in {np.dtype(dtype)}, got {value!r}")
    if number < low:
        raise ValueError(f"{name} must be at least {low}, got {value!r}")
    return number


def reals(name: str, value: Any, dtype: Any, low: float = -math.inf) -> Array:
    """Likewise an array of float64, of any shape."""
    if type(value) is float or np.ndim(value) == 0:
        return np.asarray(real(name, value, dtype, low))
    array = numbers(name, value, ndim=None)
    if array.dtype == bool:
        raise TypeError(f"{name} must hold numbers, got an array of dtype bool")
    finite(name, array, dtype)
    if array.min() < low:
        raise ValueError(f"{name} must be at least {low}, got {array.min()}")
    return array.astype(np.float64)


def integers(name: str, value: Any, *, low: int, high: int) -> Array:
    """``value`` as an array of int64 between ``low`` and ``high``, of any shape."""
    if type(value) is int or np.ndim(value) == 0:
        return np.asarray(integer(name, value, low=low, high=high))
    array = numbers(name, value, ndim=None)
    expected = f"integers of at least {low} and at most {high}"
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold {expected}, got an array of dtype {array.dtype}")
    for extreme in (array.min(), array.max()):
        if not low <= extreme <= high:
            raise ValueError(f"{name} must hold {expected}, got {extreme}")
    return array.astype(np.int64)


def path(name: str, value: Any) -> str:
    """``value``, a str or path, as an absolute path."""
    try:
        return os.path.abspath(os.fsdecode(value))
    except TypeError:
        raise TypeError(f"{name} must be a path, got {value!r}") from None


def float_type(name: str, value: Any) -> Any:
    """np.float64 or np.float32."""
    if value is np.float64 or value is np.float32:
        return value
    try:
        dtype = np.dtype(value)
    except (TypeError, ValueError):
        dtype = None
    if dtype not in (np.float64, np.float32):
        raise (TypeError if dtype is None else ValueError)(
            f"{name} must be 'float64' or 'float32', got {value!r}"
        )
    return dtype.type


def choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """``value``, one of these words."""
    if isinstance(value, str) and value in choices:
        return value if type(value) is str else str(value)
    expected = ", ".join(map(repr, choices[:-1])) + f" or {choices[-1]!r}"
    kind = ValueError if isinstance(value, str) else TypeError
    raise kind(f"{name} must be {expected}, got {value!r:.60}")
