"""``python -m benchmarks.readme`` puts what ``fastxor`` prints here and now into README.md."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def main() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "fastxor"], capture_output=True, text=True, check=True
    ).stdout
    lines = "\n".join(line.rstrip() for line in printed.splitlines())
    block = f"<!-- demo: python -m benchmarks.readme -->\n```\n{lines}\n```\n<!-- /demo -->"
    text, count = re.subn(
        "<!-- demo.*?<!-- /demo -->", lambda _: block, README.read_text(), flags=re.DOTALL
    )
    if count != 1:
        raise SystemExit("README.md must have one place for the demo")
    README.write_text(text)


if __name__ == "__main__":
    main()
