"""Our caller and our engine over TCP: each keeps the other's rules."""

from uuid import UUID, uuid4

import pytest
import trio

from callengine.caller.phone import open_phone
from callengine.caller.wire import HungUp
from tests.media_engine import MediaEngine, open_media_engine

pytestmark = pytest.mark.integration


async def live_calls(engine: MediaEngine) -> list[UUID]:
    return [UUID(call.call_id) for call in await engine.engine.services.registry.live_calls()]


async def test_a_call_that_the_engine_hangs_up_ends_cleanly() -> None:
    call_id = uuid4()
    async with open_media_engine() as engine, open_phone(engine.host, engine.port, call_id) as phone:
        assert await phone.agent_speaking()
        assert await phone.say(b"\x00\x20" * 1600)
        assert await phone.press("5#")
        async with trio.open_nursery() as operator:
            operator.start_soon(engine.engine.hang_up, call_id)
            await phone.over()
        assert phone.ending == HungUp()
        assert phone.stats.other_messages == 0


async def test_a_caller_who_hangs_up_leaves_nothing_behind() -> None:
    async with open_media_engine() as engine:
        async with open_phone(engine.host, engine.port) as phone:
            assert await phone.agent_speaking()
        async with open_phone(engine.host, engine.port) as witness:
            while await live_calls(engine) != [witness.call_id]:
                assert await witness.say(b"\x00\x20" * 160)
            while engine.engine.admission.up != 1:  # a place is free a moment after its call is over
                assert await witness.say(b"\x00\x20" * 160)
        assert phone.ending is None
