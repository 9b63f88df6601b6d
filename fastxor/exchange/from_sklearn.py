"""Fitted estimators of scikit-learn as what `Network` is called with; none of it is imported."""

from typing import Any

KINDS = "MLPClassifier", "MLPRegressor"
OURS = {"logistic": "sigmoid", "tanh": "tanh", "relu": "relu", "identity": "identity"}
OUTPUTS = {"logistic": "sigmoid", "softmax": "softmax", "identity": "identity"}


def network_in(estimator: Any) -> tuple[list[Any], dict[str, Any]]:
    """W1, b1, ..., WL, bL, and the functions of the layers.

    Raises TypeError for what is no MLPClassifier or MLPRegressor, ValueError for one that is not
    fitted or has a function that networks have not.
    """
    kind = type(estimator).__name__
    if not any(each.__name__ in KINDS for each in type(estimator).__mro__):
        hint = "; of a pipeline, give its last step" if hasattr(estimator, "steps") else ""
        raise TypeError(f"estimator must be an MLPClassifier or MLPRegressor, got {kind}{hint}")
    if not hasattr(estimator, "coefs_"):
        raise ValueError(f"estimator must be fitted, got a {kind} that is not")
    functions = {}
    for name, attribute, known in (
        ("activation", "activation", OURS), ("output", "out_activation_", OUTPUTS),
    ):  # fmt: skip
        function = getattr(estimator, attribute)
        if function not in known:
            expected = ", ".join(map(repr, known))
            raise ValueError(f"estimator.{attribute} must be one of {expected}, got {function!r}")
        functions[name] = known[function]
    parameters = []
    for coef, intercept in zip(estimator.coefs_, estimator.intercepts_, strict=True):
        parameters += [coef, intercept[None]]
    return parameters, functions
