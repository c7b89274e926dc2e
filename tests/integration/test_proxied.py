"""AUDIOSOCKET_PROXY_PROTOCOL=on: whose connection it is, who may say so, and what becomes of those who do not."""

from ipaddress import ip_address
from uuid import uuid4

import pytest
import trio

from tests.integration.test_bad_input import (
    AUDIO,
    MESSAGE_BYTES,
    REFUSED,
    connect,
    identify,
    read_to_end,
)
from tests.media_engine import MediaEngine, open_media_engine
from tests.proxy_headers import header

pytestmark = pytest.mark.integration

ASTERISK = ip_address("192.168.7.5")
ON = {"AUDIOSOCKET_PROXY_PROTOCOL": "on", "ALLOWED_PEERS": "127.0.0.1/32, 192.168.7.0/24"}


async def hear_the_greeting(stream: trio.SocketStream) -> None:
    """Until a frame is speech: the UUID has come through, and it is a call."""
    heard, frame = b"", AUDIO
    while frame == AUDIO:
        heard += await stream.receive_some()
        while len(heard) >= MESSAGE_BYTES:
            frame, heard = heard[:MESSAGE_BYTES], heard[MESSAGE_BYTES:]
    assert frame.startswith(AUDIO[:3])


async def refused(engine: MediaEngine, *parts: bytes, reason: str) -> None:
    """A connection that sends this is closed without a word and counted."""
    before = engine.metrics().get(REFUSED % reason, 0)
    async with await connect(engine) as stream:
        for part in parts:
            await stream.send_all(part)
        assert await read_to_end(stream) == b""
    assert engine.metrics()[REFUSED % reason] == before + 1
    assert engine.engine.admission.up == 0


@pytest.mark.parametrize("cut", [1, 12, 16, 27, 28])
async def test_a_call_behind_a_balancer_is_a_call(cut: int) -> None:
    async with open_media_engine(**ON) as engine, await connect(engine) as stream:
        raw = header(ASTERISK) + identify(uuid4())
        await stream.send_all(raw[:cut])
        await trio.lowlevel.checkpoint()
        await stream.send_all(raw[cut:])
        await hear_the_greeting(stream)
        assert engine.engine.admission.up == 1


async def test_a_balancer_may_speak_for_itself() -> None:
    async with open_media_engine(**ON) as engine, await connect(engine) as stream:
        await stream.send_all(header(ASTERISK)[:12] + b"\x20\x00\x00\x00" + identify(uuid4()))
        await hear_the_greeting(stream)


async def test_who_is_named_must_be_allowed_too() -> None:
    async with open_media_engine(**ON) as engine:
        await refused(engine, header(ip_address("203.0.113.9")), identify(uuid4()), reason="peer")


async def test_only_of_who_may_come_is_it_believed() -> None:
    async with open_media_engine(**ON | {"ALLOWED_PEERS": "192.168.7.0/24"}) as engine:
        await refused(engine, reason="peer")


@pytest.mark.parametrize(
    "sent",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x01\x00\x10" + bytes(16), header(ASTERISK)[:20]],
    ids=["http", "none", "half"],
)
async def test_without_a_whole_header_there_is_no_call(sent: bytes) -> None:
    async with open_media_engine(**ON) as engine:
        await refused(engine, sent, reason="proxy_header")


async def test_a_header_that_breaks_off_ends_with_its_connection() -> None:
    async with open_media_engine(**ON) as engine:
        before = engine.metrics().get(REFUSED % "proxy_header", 0)
        async with await connect(engine) as stream:
            await stream.send_all(header(ASTERISK)[:20])
            await stream.send_eof()
            assert await read_to_end(stream) == b""
        assert engine.metrics()[REFUSED % "proxy_header"] == before + 1
