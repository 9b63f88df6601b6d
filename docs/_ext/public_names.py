"""No public name without a place on these pages and a docstring: a warning, which is an error.

Public is what a module of ``public_modules`` has in its ``__all__``.
"""

import inspect
from importlib import import_module
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("public_modules", [], "env", list)
    app.connect("env-check-consistency", check)
    return {"parallel_read_safe": True}


def check(app: Sphinx, env: BuildEnvironment) -> None:
    documented = set(env.domains.python_domain.objects)
    for name in missing(app.config.public_modules, documented):
        logger.warning("public, but not documented: %s", name)


def missing(modules: list[str], documented: set[str]) -> list[str]:
    """Public names that no page documents, or that have no docstring."""
    names = []
    for module in map(import_module, modules):
        for name in module.__all__:
            found, dotted = getattr(module, name), f"{module.__name__}.{name}"
            if dotted not in documented:
                names.append(dotted)
            elif inspect.isroutine(found) or inspect.isclass(found):
                names += [] if found.__doc__ else [f"{dotted}: no docstring"]
    return names
