"""Completion of the command line, by shtab, which takes no code of ours."""

import subprocess

import pytest

from fastxor.cli.main import parser

shtab = pytest.importorskip("shtab")
COMPLETE = """
COMP_WORDS=(fastxor {words} '') COMP_CWORD={count} COMPREPLY=()
$(complete -p fastxor | sed 's/.*-F \\([^ ]*\\).*/\\1/')
echo "${{COMPREPLY[*]}}"
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", "train compare seeds map export bench"),
        ("train --output", "sigmoid identity tanh softmax"),
        ("map --fractal", "tanh relu identity minibatch single offset"),
    ],
)
def test_bash(words, expected):
    script = shtab.complete(parser(), "bash")
    script += COMPLETE.format(words=words, count=len(words.split()) + 1)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == expected.split()


def test_zsh():
    assert "--layer-rates" in shtab.complete(parser(), "zsh")
