"""Child processes of ours: ready, never ready, dead at the start, dead later, deaf to SIGTERM, orphaned."""

import logging
import os
import signal
import subprocess
import sys

import pytest
import trio

from callengine.errors import ServiceError
from callengine.services import children
from callengine.services.children import open_child, python_child

pytestmark = pytest.mark.integration

LISTENS = 'print(\'{"listening": "127.0.0.1:7000"}\', flush=True)\n'
WAITS = "import sys; sys.stdin.read()\n"
START_SECONDS = 60.0


def script(text: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", text]


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


async def test_a_child_is_there_once_it_listens_and_gone_after_the_block() -> None:
    noise = 'print("loading", flush=True)\nprint(\'{"other": 1}\')\nprint("[]")\n'
    async with open_child(script(noise + LISTENS + WAITS), environment(), "the echo", START_SECONDS) as child:
        assert child.address == "127.0.0.1:7000"
        assert child.process.returncode is None
        assert os.getsid(child.process.pid) != os.getsid(0)
    assert child.process.returncode == -signal.SIGTERM


async def test_its_environment_is_the_one_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "not for children")
    text = (
        "import json, os\nprint(json.dumps({'listening': os.environ.get('API_TOKEN', 'none') + os.environ['GIVEN']}))\n"
    )
    async with open_child(script(text), {"GIVEN": "-yes"}, "the echo", START_SECONDS) as child:
        assert child.address == "none-yes"


async def test_a_child_that_never_listens_is_an_error_after_the_deadline() -> None:
    with pytest.raises(ServiceError, match=r"^the echo did not listen within 0.2 s$"):
        async with open_child(script(WAITS), environment(), "the echo", 0.2):
            pytest.fail("the block of a child that never listened was entered")


async def test_a_child_that_dies_at_the_start_leaves_its_last_words() -> None:
    text = "import sys\nprint('loading', file=sys.stderr)\nsys.exit('the model is not there')\n"
    with pytest.raises(ServiceError, match=r"^the echo ended with exit status 1: the model is not there$"):
        async with open_child(script(text), environment(), "the echo", START_SECONDS):
            pytest.fail("the block of a dead child was entered")


async def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ServiceError, match=r"^the echo cannot be started: .*no-such-program"):
        async with open_child(["/no-such-program"], environment(), "the echo", START_SECONDS):
            pytest.fail("the block of a missing program was entered")


async def test_a_child_that_dies_later_tells_how() -> None:
    text = LISTENS + "import sys; sys.stdin.readline()\nsys.exit('out of memory')\n"
    async with open_child(script(text), environment(), "the echo", START_SECONDS) as child:
        assert child.process.stdin is not None
        await child.process.stdin.send_all(b"\n")
        with trio.fail_after(START_SECONDS):
            assert await child.wait() == "the echo ended with exit status 1: out of memory"


async def test_a_killed_child_tells_by_what() -> None:
    async with open_child(script(LISTENS + WAITS), environment(), "the echo", START_SECONDS) as child:
        os.kill(child.process.pid, signal.SIGKILL)
        assert await child.wait() == "the echo was killed by SIGKILL"


async def test_a_child_deaf_to_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "GRACE_SECONDS", 0.2)
    text = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTENS + "while True: signal.pause()\n"
    async with open_child(script(text), environment(), "the echo", START_SECONDS) as child:
        pass
    assert child.process.returncode == -signal.SIGKILL


async def test_cancelling_ends_the_child_too() -> None:
    with trio.CancelScope() as scope:
        async with open_child(script(LISTENS + WAITS), environment(), "the echo", START_SECONDS) as child:
            scope.cancel("the test is over")
            await trio.sleep_forever()
    assert child.process.returncode == -signal.SIGTERM


async def test_what_it_says_joins_the_log_in_bounded_pieces(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    text = (
        "import sys\nprint('загрузка', file=sys.stderr)\nsys.stderr.write('x' * 100_000)\nsys.stderr.flush()\n"
        + "sys.stdout.write('y' * 200_000 + '\\n')\n"
        + LISTENS
        + "sys.stdout.write('z' * 200_000)\nsys.stdout.flush()\nsys.exit(3)\n"
    )
    async with open_child(script(text), {**environment(), "PYTHONUTF8": "1"}, "the echo", START_SECONDS) as child:
        with trio.fail_after(START_SECONDS):
            assert (await child.wait()).startswith("the echo ended with exit status 3")
    lines = [record.msg["line"] for record in caplog.records if isinstance(record.msg, dict) and "line" in record.msg]
    assert lines[0] == "загрузка"
    assert max(len(line) for line in lines) <= 2 * children.MAX_LINE_BYTES


async def test_a_module_of_ours_ends_when_its_parent_is_killed() -> None:
    """A parent starts the child and is killed outright; the child's end closes the pipe that it inherited."""
    reader, writer = os.pipe()
    argv = python_child("http.server", "--bind", "127.0.0.1", "0")
    parent = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen({argv!r}, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=2, pass_fds=[{writer}])\n"
        "print('started', flush=True)\ntime.sleep(600)\n"
    )
    process = await trio.lowlevel.open_process(
        script(parent),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[writer],
        env=environment(),
    )
    os.close(writer)
    assert process.stdout is not None
    assert await process.stdout.receive_some() == b"started\n"
    process.kill()
    await process.wait()
    async with trio.lowlevel.FdStream(reader) as held_by_the_child:
        with trio.fail_after(START_SECONDS):
            assert await held_by_the_child.receive_some() == b""
    assert process.stdin is not None
    await process.stdin.aclose()
    await process.stdout.aclose()


async def test_a_module_runs_as_it_would_by_itself() -> None:
    argv = python_child("platform", "--terse")
    process = await trio.lowlevel.open_process(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    async with process.stdin, process.stdout:
        assert await process.stdout.receive_some() != b""
        assert await process.wait() == 0
