"""Kernel > Interrupt in a notebook, by a real kernel: nothing that was trained is lost."""

import os
import time

import pytest
from jupyter_client.manager import start_new_kernel

from tests.lab.notebooks import ROOT

SETUP = """
import sys
import fastxor
from fastxor import train, train_many
X, y = fastxor.xor()
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kernel")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder / "ipython")}
    manager, client = start_new_kernel(
        kernel_name="python3", env=environment, extra_arguments=["--log-level=ERROR"]
    )
    assert output_of(client, SETUP) == []
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def output_of(client, code, when_seen=None):
    """What the cell shows, texts and errors; ``when_seen`` is called when there is a bar."""
    request, shown = client.execute(code), []
    while True:
        message = client.get_iopub_msg(timeout=120)
        if message["parent_header"].get("msg_id") != request:
            continue
        content = message["content"]
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            return shown
        if message["msg_type"] == "stream":
            shown.append(content["text"])
        elif message["msg_type"] == "error":
            shown.append(f"{content['ename']}: {content['evalue']}")
        elif "data" in content:
            shown.append(content["data"]["text/plain"])
        if when_seen and "\r" in "".join(shown):
            when_seen, call = None, when_seen
            call()


TRAININGS = {  # a call, what finishes it, what it counts and how many, some seconds of them
    "one": (
        "train(X, y, epochs=6_000_000, progress=True)",
        "train(X, y, initial=run, epochs=6_000_000 - len(run.losses)).network",
        "6,000,000 epochs",
    ),
    "many": (
        "train_many(X, y, seed=range(6_000), epochs=20_000, progress=True)",
        "train_many(X, y, seed=range(6_000), epochs=20_000, resume=run).networks",
        "6,000 networks",
    ),
}


@pytest.mark.parametrize("which", TRAININGS)
def test_interrupting_the_kernel_keeps_the_run(kernel, which):
    (manager, client), (call, rest, counted) = kernel, TRAININGS[which]

    def interrupt():
        time.sleep(0.6)  # until a slice or two are done
        manager.interrupt_kernel()

    *bars, error = output_of(client, call, interrupt)
    assert all("\r" in bar or bar == "\x1b[?25l" for bar in bars), "a bar, and no warnings"
    assert counted.split()[1] in bars[-1]
    assert "━" in bars[-1]
    assert error.startswith("Interrupted: interrupted after ")
    assert error.endswith(f" of {counted}")
    # the same kernel goes on from there
    assert output_of(client, "run = sys.last_value.run") == []
    digest = "__import__('hashlib').sha256({}.numbers).hexdigest()"
    (finished,) = output_of(client, digest.format(rest))
    whole = call.replace("True", "False") + rest[rest.rindex(".") :]
    assert output_of(client, digest.format(whole)) == [finished]
    assert len(finished) == 64 + len("''"), "a digest, not an error"
