"""What strangers do to the AudioSocket port: each a counted, one-line refusal or hang-up, and nobody else notices.

A witness is on the line all the while: it hears numbered frames, and none may be missing or come twice.
"""

import logging
import struct
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

import pytest
import trio

from tests.media_engine import MediaEngine, open_media_engine

pytestmark = pytest.mark.integration

MESSAGE_BYTES = 323
HANGUP = b"\x00\x00\x00"
AUDIO = b"\x10\x01\x40" + bytes(320)
REFUSED = "callengine_connections_refused_total{%s}"
CALLS = "callengine_calls_total{%s}"

Stranger = Callable[[trio.SocketStream], Awaitable[None]]


def identify(call_id: UUID) -> bytes:
    return b"\x01\x00\x10" + call_id.bytes


async def connect(engine: MediaEngine) -> trio.SocketStream:
    return await trio.open_tcp_stream(engine.host, engine.port)


async def read_to_end(stream: trio.SocketStream) -> bytes:
    """What comes up to and with the hang-up, or until the engine closes; Asterisk then closes at once, as we do."""
    heard = bytearray()
    with suppress(trio.BrokenResourceError):
        async for data in stream:
            heard += data
            if len(heard) % MESSAGE_BYTES == len(HANGUP) and heard.endswith(HANGUP):
                break
    return bytes(heard)


class Witness:
    """A caller who listens and counts."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.call_id = uuid4()
        self.numbers: list[int] = []
        self._stream = stream
        self._heard = trio.Event()

    async def run(self) -> None:
        """Listen until the engine hangs up."""
        await self._stream.send_all(identify(self.call_id))
        pending = b""
        async for data in self._stream:
            pending += data
            while len(pending) >= MESSAGE_BYTES:
                assert pending.startswith(AUDIO[:3])
                self.numbers.append(struct.unpack_from("<h", pending, 3)[0])
                pending = pending[MESSAGE_BYTES:]
            self._heard.set()
            self._heard = trio.Event()

    async def hear(self, frames: int) -> None:
        """Wait for so many more frames."""
        wanted = len(self.numbers) + frames
        while len(self.numbers) < wanted:
            await self._heard.wait()

    def missed_nothing(self) -> bool:
        """Silence until the greeting, and then every frame of it once and in order."""
        spoken = [number for number in self.numbers if number]
        return spoken == list(range(1, len(spoken) + 1)) and self.numbers[-len(spoken) :] == spoken


@asynccontextmanager
async def open_witness(engine: MediaEngine) -> AsyncIterator[Witness]:
    """A call that is up and greeted; at the end it must have gone on as if nothing had been."""
    async with await connect(engine) as stream, trio.open_nursery() as nursery:
        witness = Witness(stream)
        nursery.start_soon(witness.run)
        await witness.hear(10)
        yield witness
        await witness.hear(10)
        assert witness.missed_nothing()
        nursery.cancel_scope.cancel("the witness has seen enough")


async def alone(engine: MediaEngine, witness: Witness) -> None:
    """Wait until nothing is left of anyone but the witness."""
    while engine.engine.admission.up > 1 or len(engine.engine.clock.all_legs()) > 1:
        await witness.hear(1)


async def scan_port(stream: trio.SocketStream) -> None:
    await stream.aclose()


async def ask_for_http(stream: trio.SocketStream) -> None:
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:9092\r\n\r\n")


async def send_short_uuid(stream: trio.SocketStream) -> None:
    await stream.send_all(b"\x01\x00\x0f" + bytes(15))


async def send_huge_message(stream: trio.SocketStream) -> None:
    with suppress(trio.BrokenResourceError):
        await stream.send_all(b"\x10\xff\xff" + bytes(65535))


async def send_wrong_key(stream: trio.SocketStream) -> None:
    await stream.send_all(b"\x03\x00\x01x")


async def say_nothing(stream: trio.SocketStream) -> None:
    await trio.lowlevel.checkpoint()


async def flood(stream: trio.SocketStream) -> None:
    with suppress(trio.BrokenResourceError):
        for _ in range(200):
            await stream.send_all(AUDIO * 500)


@pytest.mark.parametrize(
    ("stranger", "reason"),
    [
        (scan_port, "closed"),
        (ask_for_http, "unknown_kind"),
        (send_short_uuid, "bad_uuid"),
        (send_huge_message, "oversize"),
        (send_wrong_key, "bad_digit"),
        (say_nothing, "no_uuid"),
        (flood, "flood"),
    ],
)
async def test_what_never_becomes_a_call(stranger: Stranger, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with open_media_engine() as engine, open_witness(engine) as witness:
        before = engine.metrics()
        async with await connect(engine) as stream:
            await stranger(stream)
            if stranger is not scan_port:
                await read_to_end(stream)
        await alone(engine, witness)
        after = engine.metrics()
        assert after[REFUSED % reason] == before.get(REFUSED % reason, 0) + 1
        refusals = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
        assert len(refusals) == 1
        assert "\n" not in refusals[0]
        assert after["callengine_calls_active{}"] == before["callengine_calls_active{}"], "the witness alone"


@pytest.mark.parametrize(
    ("stranger", "ending"), [(ask_for_http, "unknown_kind"), (flood, "flood"), (send_huge_message, "oversize")]
)
async def test_a_call_that_goes_wrong_is_hung_up(
    stranger: Stranger, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_media_engine() as engine, open_witness(engine) as witness:
        before = engine.metrics()
        async with await connect(engine) as stream:
            await stream.send_all(identify(uuid4()) + AUDIO)
            await stranger(stream)
            await read_to_end(stream)
        await alone(engine, witness)
        assert engine.metrics()[CALLS % "failed"] == before.get(CALLS % "failed", 0) + 1
        warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        assert len(warnings) == 1
        assert ending in warnings[0]


async def test_a_flood_costs_no_memory() -> None:
    async with open_media_engine() as engine, open_witness(engine):
        tracemalloc.start()
        try:
            async with await connect(engine) as stream:
                await stream.send_all(identify(uuid4()))
                await flood(stream)
                await read_to_end(stream)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 4_000_000, "of the 32 MB that were offered"


async def test_one_that_never_reads_is_hung_up(caplog: pytest.LogCaptureFixture) -> None:
    async with open_media_engine() as engine, open_witness(engine) as witness:
        before = engine.metrics()
        with trio.socket.socket() as deaf:
            # as little as the kernel allows, so that the engine's writes stop fitting after a second, not a minute
            deaf.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 1)
            await deaf.connect((engine.host, engine.port))
            await deaf.send(identify(uuid4()))
            while engine.metrics().get(CALLS % "failed", 0) == before.get(CALLS % "failed", 0):
                await witness.hear(1)
            await alone(engine, witness)
        (warning,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        assert "stalled" in warning


async def test_a_uuid_that_is_up_is_refused_and_the_first_call_stays() -> None:
    async with open_media_engine() as engine, open_witness(engine) as witness:
        before = engine.metrics()
        async with await connect(engine) as stream:
            await stream.send_all(identify(witness.call_id))
            heard = await read_to_end(stream)
        assert heard.endswith(HANGUP)
        assert engine.metrics()[REFUSED % "duplicate"] == before.get(REFUSED % "duplicate", 0) + 1


async def test_a_peer_that_is_not_allowed_hears_nothing() -> None:
    async with open_media_engine(ALLOWED_PEERS="10.0.0.0/8, 192.168.7.0/24") as engine:
        before = engine.metrics()
        async with await connect(engine) as stream:
            assert await read_to_end(stream) == b""
        assert engine.metrics()[REFUSED % "peer"] == before.get(REFUSED % "peer", 0) + 1
        assert engine.engine.admission.up == 0


async def test_one_call_too_many_is_told_busy() -> None:
    async with open_media_engine(MAX_CALLS="1") as engine, open_witness(engine) as witness:
        before = engine.metrics()
        call_id = uuid4()
        async with await connect(engine) as stream:
            await stream.send_all(identify(call_id))
            heard = await read_to_end(stream)
        after = engine.metrics()
        assert heard.endswith(HANGUP)
        frames = [heard[at : at + MESSAGE_BYTES] for at in range(0, len(heard) - len(HANGUP), MESSAGE_BYTES)]
        assert set(frames) <= {AUDIO}, "nothing but silence before it"
        assert await engine.engine.outcome(call_id) == "busy"
        assert after[CALLS % "busy"] == before.get(CALLS % "busy", 0) + 1
        assert after[REFUSED % "busy"] == before.get(REFUSED % "busy", 0) + 1
        assert await engine.engine.outcome(witness.call_id) == "retry", "the first call is still up"


async def test_many_too_many_are_turned_away_and_leave_nothing_behind() -> None:
    async with open_media_engine(MAX_CALLS="1") as engine, open_witness(engine) as witness:
        before = engine.metrics().get(REFUSED % "busy", 0)
        async with trio.open_nursery() as crowd:
            for _ in range(100):
                crowd.start_soon(one_too_many, engine)
        await alone(engine, witness)
        assert engine.metrics()[REFUSED % "busy"] == before + 100


async def one_too_many(engine: MediaEngine) -> None:
    async with await connect(engine) as stream:
        with suppress(trio.BrokenResourceError):
            await stream.send_all(identify(uuid4()))
        await read_to_end(stream)
