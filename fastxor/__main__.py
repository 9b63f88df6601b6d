"""``python -m fastxor``: the command line, see `fastxor.cli`."""

import sys

from fastxor.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
