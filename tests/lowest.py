"""Are the versions here those of ``lowest.txt``, and those the ones that the package allows?"""

from importlib.metadata import requires, version
from pathlib import Path


def main() -> None:
    allowed = [need.replace(">=", "==").split(";")[0] for need in requires("fastxor") or ()]
    for line in Path(__file__).with_suffix(".txt").read_text().split():
        name, number = line.split("==")
        if version(name) != number:
            raise SystemExit(f"{name} is {version(name)}, not {number}")
        if not any(number.startswith(need.removeprefix(f"{name}==")) for need in allowed):
            raise SystemExit(f"{line} is not the lowest of {allowed}")


if __name__ == "__main__":
    main()
