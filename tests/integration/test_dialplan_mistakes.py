"""What a dialplan may do wrong, as its Asterisk then behaves: each ends with one line that names it and its mend."""

import logging
from uuid import UUID, uuid4

import pytest
import trio

from tests.integration.test_bad_input import CALLS, HANGUP, REFUSED, alone, connect, identify, open_witness, read_to_end
from tests.media_engine import open_media_engine

pytestmark = pytest.mark.integration

ALAW = b"\x10\x00\xa0" + b"\xd5" * 160


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[str]:
    return [text for record in caplog.records if event in (text := record.getMessage())]


async def send_alaw(stream: trio.SocketStream) -> None:
    """A message every 20 ms, as a caller's RTP paces them, until the engine hangs up."""
    due = trio.current_time()
    try:
        while True:
            due += 0.02
            await trio.sleep_until(due)
            await stream.send_all(ALAW)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass


async def test_dial_without_c_is_hung_up_and_the_dialplan_falls_back(caplog: pytest.LogCaptureFixture) -> None:
    call_id = uuid4()
    async with open_media_engine() as engine, open_witness(engine) as witness:
        before = engine.metrics()
        async with await connect(engine) as stream, trio.open_nursery() as nursery:
            await stream.send_all(identify(call_id))
            nursery.start_soon(send_alaw, stream)
            heard = await read_to_end(stream)
            nursery.cancel_scope.cancel("the engine has hung up")
        await alone(engine, witness)
        assert heard.endswith(HANGUP)
        assert engine.metrics()[CALLS % "failed"] == before.get(CALLS % "failed", 0) + 1
        assert await engine.engine.outcome(call_id) == "failed", "no word of the table: the dialplan's own fallback"
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "raw_codec" in line
    assert "write Dial(AudioSocket/host:port/uuid/c(slin))" in line


async def test_no_answer_before_audiosocket(caplog: pytest.LogCaptureFixture) -> None:
    """After Progress() Asterisk connects, sends nothing and closes; what we sent meanwhile makes it a reset."""
    caplog.set_level(logging.INFO)
    async with open_media_engine() as engine, open_witness(engine) as witness:
        async with await connect(engine) as stream:
            await stream.receive_some(1)
        await alone(engine, witness)
    (line,) = lines(caplog, "connection_refused")
    assert "AudioSocket() on a channel without Answer()" in line


async def test_one_uuid_for_two_calls(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with open_media_engine() as engine, open_witness(engine) as witness, await connect(engine) as stream:
        await stream.send_all(identify(witness.call_id))
        assert (await read_to_end(stream)).endswith(HANGUP)
    (line,) = lines(caplog, "connection_refused")
    assert "Set(CALL_UUID=${UUID()})" in line


@pytest.mark.parametrize("places", [2, 1], ids=["with a place", "full"])
async def test_the_nil_uuid_is_a_knock_and_no_call(places: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with open_media_engine(MAX_CALLS=str(places)) as engine, open_witness(engine) as witness:
        before = engine.metrics()
        async with await connect(engine) as stream:
            await stream.send_all(identify(UUID(int=0)))
            assert (await read_to_end(stream)).endswith(HANGUP)
        await alone(engine, witness)
        after = engine.metrics()
        assert after[REFUSED % "knock"] == before.get(REFUSED % "knock", 0) + 1
        assert after.get(CALLS % "busy", 0) == before.get(CALLS % "busy", 0)
    assert len(lines(caplog, "connection_refused")) == 1
