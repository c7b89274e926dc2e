"""`callengine call` and `callengine load` against a peer that is not ours to blame: the whole way over TCP."""

import json
import socket
import sys
import wave
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
import typer
from typer.testing import CliRunner

from callengine.caller.crowd import Crowd, Plan
from callengine.caller.figures import Figures, summarise
from callengine.cli.call import call
from callengine.cli.load import load
from tests.echo_server import TONE, Peer, message, open_peer
from tests.grpc_bridge import NOBODY_THERE

pytestmark = pytest.mark.integration

app = typer.Typer()
app.command("call")(call)
app.command("load")(load)
LOAD = "import typer; from callengine.cli.load import load; typer.run(load)"


def invoke(*arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    """Exit status, JSON lines, what was said on stderr; in this process, whose imports are paid for."""
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def measure(port: int, calls: int, seconds: float) -> Figures:
    return summarise(Crowd(Plan((socket.AF_INET, ("127.0.0.1", port)), calls, seconds)).measure(lambda _up: None))


@pytest.fixture
def question(tmp_path: Path) -> Path:
    path = tmp_path / "question.wav"
    tone = (9000 * np.sin(2 * np.pi * 300 * np.arange(4800) / 16000)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(tone.tobytes())
    return path


async def test_a_call_with_speech_keys_and_a_recording(question: Path, tmp_path: Path) -> None:
    peer = Peer(hang_up_after_answers=2)
    record = tmp_path / "both.wav"
    call_id = "01c84651-7900-4077-8710-774565156d67"
    options = ["--uuid", call_id, "--dtmf", "4#", "--record", str(record), "--pause", "0.2", "--stay", "2"]
    async with open_peer(lambda: peer) as port:
        status, events, errors = await trio.to_thread.run_sync(
            invoke, "call", f"127.0.0.1:{port}", "--play", str(question), *options
        )
        await peer.ended.wait()
    assert (status, errors) == (0, "")
    assert peer.heard[0] == (0x01, bytes.fromhex(call_id.replace("-", "")))
    assert [payload for kind, payload in peer.heard if kind == 0x03] == [b"4", b"#"]
    names = [event["event"] for event in events if event["event"] != "agent_stopped"]
    assert names == ["connected", "greeting_started", "playing", "response", "digit", "digit", "response", "hangup"]
    assert events[-1]["detail"] == "agent"
    with wave.open(str(record)) as file:
        sides = np.abs(np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2))
    assert np.count_nonzero(sides[:, 0] > 1000) > 1500, "the caller's tone is on the left"
    assert np.count_nonzero(sides[:, 1] > 1000) > 3 * 1000, "the agent's three are on the right"


async def test_a_call_to_nobody_fails_with_one_line() -> None:
    with trio.socket.socket() as nobody:
        await nobody.bind(("127.0.0.1", 0))  # bound, not listening: refused, and nobody else can take it
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        status, events, errors = await trio.to_thread.run_sync(invoke, "call", address)
    assert (status, events) == (1, [])
    assert errors == f"callengine call: {address}: Connection refused; is the engine running there?\n"


async def test_a_record_that_cannot_be_read_fails_a_call_that_was_clean_with_one_line() -> None:
    peer = Peer(hang_up_after_answers=0)
    async with open_peer(lambda: peer) as port:
        options = ["--api", f"http://{NOBODY_THERE}"]
        status, events, errors = await trio.to_thread.run_sync(invoke, "call", f"127.0.0.1:{port}", *options)
    assert (status, events[-1]["event"]) == (1, "hangup")
    assert errors.startswith(f"callengine call: the record cannot be read at http://{NOBODY_THERE}/api/v1/calls/")
    assert errors.count("\n") == 1


async def test_a_call_that_failed_says_so_whatever_becomes_of_its_record() -> None:
    status, events, errors = await trio.to_thread.run_sync(
        invoke, "call", NOBODY_THERE, "--api", f"http://{NOBODY_THERE}"
    )
    assert (status, events) == (1, [])
    assert errors == f"callengine call: {NOBODY_THERE}: Connection refused; is the engine running there?\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["call", "nowhere"], "callengine call: HOST:PORT: 'nowhere' is not an address"),
        (["call", "127.0.0.1:9", "--uuid", "7"], "callengine call: --uuid: '7' is no UUID"),
        (["call", "127.0.0.1:9", "--dtmf", "1x"], "callengine call: --dtmf: 'x' is no telephone key"),
        (["call", "127.0.0.1:9", "--play", "none.wav"], "callengine call: --play: cannot read none.wav"),
        (["load", "127.0.0.1:9", "--speak", "none.wav"], "callengine load: --speak: cannot read none.wav"),
        (["load", "127.0.0.1:0"], "callengine load: HOST:PORT: '127.0.0.1:0' is not an address"),
    ],
)
def test_bad_arguments_are_one_line_and_status_2(arguments: list[str], problem: str) -> None:
    status, events, errors = invoke(*arguments)
    assert (status, events) == (2, [])
    assert errors.startswith(problem)
    assert errors.count("\n") == 1


async def test_a_load_that_holds() -> None:
    async with open_peer(Peer) as port:
        options = ["--calls", "5", "--seconds", "1", "--ramp", "0.2"]
        done = await trio.run_process(
            [sys.executable, "-c", LOAD, f"127.0.0.1:{port}", *options], capture_stdout=True, capture_stderr=True
        )
    figures = json.loads(done.stdout)
    assert done.stderr == b""
    assert (figures["calls"], figures["held"], figures["calls_with_audio"]) == (5, 5, 5)
    assert figures["frames"] > 5 * 10
    assert figures["first_audio_ms"]["max"] > 0
    assert "Python" in figures["machine"]
    assert "--calls 5" in figures["command"]


async def test_a_load_that_is_hung_up_on() -> None:
    async with open_peer(lambda: Peer(greeting=3, hang_up_after_answers=0)) as port:
        figures = await trio.to_thread.run_sync(measure, port, 3, 3600.0)
    assert (figures.calls, figures.held, figures.ended) == (3, 0, {"hung_up": 3})


async def test_a_load_that_is_refused() -> None:
    with trio.socket.socket() as nobody:
        await nobody.bind(("127.0.0.1", 0))
        figures = await trio.to_thread.run_sync(measure, nobody.getsockname()[1], 3, 3600.0)
    assert (figures.calls, figures.held, figures.refused, figures.frames) == (3, 0, 3, 0)
    assert figures.wall_seconds < 3600, "it does not wait for the end of what is over"


async def test_many_messages_in_one_read_and_one_in_many_are_counted_alike() -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(message(0x10, TONE) * 3)
        with suppress(trio.BrokenResourceError):
            await stream.send_all(message(0x11, bytes(480)) + message(0x03, b"1"))
            await stream.receive_some()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        figures = await trio.to_thread.run_sync(measure, listeners[0].socket.getsockname()[1], 2, 3600.0)
        nursery.cancel_scope.cancel("the test is over")
    assert (figures.frames, figures.ended) == (8, {"not_audio": 2})
