"""``{command-line} train`` is what ``fastxor train --help`` prints."""

import os
import subprocess
import sys
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx


class CommandLine(Directive):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        text = subprocess.run(
            [sys.executable, "-m", "fastxor", self.arguments[0], "--help"], check=True,
            capture_output=True, text=True, env=os.environ | {"COLUMNS": "88", "NO_COLOR": "1"},
        ).stdout  # fmt: skip
        return [nodes.literal_block(text, text, language="text")]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}
