"""fastxor's docstrings as reStructuredText.

They are plain text that ``help()`` shows, and hardly anything else: a paragraph whose lines each
begin with ``name:`` or ``name, other:`` is a list of what there is to say of these names, with
what goes on indented. It becomes a list of definitions. A name in single backticks is that of
`fastxor` itself, if not of the module or class; else the only one on these pages that ends so.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

ENTRY = re.compile(r"([A-Za-z_]\w*(?:, [A-Za-z_]\w*)*): (\S.*)", re.DOTALL)
LITERAL = re.compile(r"(``.*?``)", re.DOTALL)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("autodoc-process-docstring", process)
    app.connect("missing-reference", named_elsewhere)
    return {"parallel_read_safe": True}


def process(app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    text = "\n\n".join(map(definitions, paragraphs(lines)))
    lines[:] = [*text.splitlines(), ""]


def paragraphs(lines: list[str]) -> list[str]:
    text = without_bars("\n".join(lines))
    return [part.strip("\n") for part in re.split(r"\n\s*\n", text) if part.strip()]


def without_bars(text: str) -> str:
    """|z| is no substitution, but in literals nothing is escaped."""
    parts = LITERAL.split(text)
    return "".join(p if p.startswith("``") else p.replace("|", r"\|") for p in parts)


def definitions(paragraph: str) -> str:
    """A paragraph as it is or, of entries only, as a list of definitions."""
    entries = [" ".join(entry.split()) for entry in re.split(r"\n(?=\S)", paragraph)]
    found = [ENTRY.fullmatch(entry) for entry in entries]
    if not all(found):
        return paragraph
    terms = [", ".join(f"``{name}``" for name in m[1].split(", ")) for m in found if m]
    texts = [m[2] for m in found if m]
    return "\n".join(f"{term}\n    {text}" for term, text in zip(terms, texts, strict=True))


def named_elsewhere(
    app: Sphinx, env: BuildEnvironment, node: nodes.Element, shown: nodes.TextElement
) -> nodes.reference | None:
    """What a name that its own module does not have stands for; None leaves it a warning."""
    if node.get("refdomain") != "py":
        return None
    domain, target, page = env.domains.python_domain, node["reftarget"], node["refdoc"]
    ends = [name for name in domain.objects if name.endswith(f".{target}")]
    name = f"fastxor.{target}" if f"fastxor.{target}" in ends else ends[0] if len(ends) == 1 else ""
    if not name:
        return None
    return domain.resolve_xref(env, page, app.builder, "obj", name, node, shown)
