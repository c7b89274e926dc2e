"""A caller hangs up at any moment, or all of them at once because Asterisk ends: nothing of a call is left over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import trio

from tests.asterisk.alaw import Samples
from tests.asterisk.callers import LOOK_AGAIN_SECONDS, PATIENCE_SECONDS, LocalCall, open_api, record
from tests.asterisk.dawdling import ASKED
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import Nodes
from tests.asterisk.obedient import write_plugin
from tests.asterisk.phone import Phone, open_phone
from tests.asterisk.rest import at_rest, live_calls, registered
from tests.asterisk.telephones import address, samples_of
from tests.engine_process import EngineProcess
from tests.speech import FIXTURES

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

QUESTION: Samples = samples_of(FIXTURES / "ru" / "hello.wav")
MOMENTS = ("first packet", "greeting", "thinking", "tool", "speaking")


class SlowStore:
    """A Store that takes questions and never answers; `asked` counts them, `dropped` those that were given up."""

    def __init__(self) -> None:
        self.port = self.asked = self.dropped = 0

    async def serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            self.asked += 1
            await stream.receive_some()  # until the other side closes
            self.dropped += 1


@asynccontextmanager
async def open_store() -> AsyncIterator[SlowStore]:
    async with trio.open_nursery() as nursery:
        store = SlowStore()
        listeners = await nursery.start(partial(trio.serve_tcp, store.serve, 0, host="127.0.0.1"))
        store.port = listeners[0].socket.getsockname()[1]
        yield store
        nursery.cancel_scope.cancel("the test is over")


async def _until_asked(engine: EngineProcess, uuid: UUID) -> None:
    with trio.fail_after(PATIENCE_SECONDS):
        while not any(line["event"] == ASKED and line["call_id"] == str(uuid) for line in engine.log()):
            await trio.sleep(LOOK_AGAIN_SECONDS)


async def leave(moment: str, phone: Phone, engine: EngineProcess, store: SlowStore, uuid: UUID) -> None:
    """Call, come to this moment, and hang up in it."""
    asked = store.asked
    assert await phone.dial("100", headers={"X-Call-UUID": str(uuid)})
    assert await phone.until(lambda: bool(phone.heard))
    if moment == "first packet":
        return
    assert await phone.agent_speaking()
    if moment == "greeting":
        return
    assert await phone.agent_silent(0.6)
    assert await phone.say(QUESTION)
    await _until_asked(engine, uuid)
    if moment == "speaking":
        assert await phone.agent_speaking(0.5)
    elif moment == "tool":
        assert await phone.until(lambda: store.asked > asked)


async def test_a_caller_hangs_up_at_any_moment(pbx: Pbx, nodes: Nodes, tmp_path: Path, redis_url: str) -> None:
    write_plugin(tmp_path / "plugins", "dawdling")
    async with open_store() as store:
        settings = {"DIALOG_BACKEND": "dawdling", "STORE_API_URL": f"http://127.0.0.1:{store.port}"}
        with nodes.open("a", **settings) as engine:
            async with open_api(engine) as api:
                await _leave_in(("tool",), pbx, engine, store)  # it asks everybody: connections are up then
                before = await at_rest(engine, api)
                outcomes = await _leave_in(MOMENTS, pbx, engine, store)
                after = await at_rest(engine, api, before)
                live = await live_calls(api)
                print(f"before {before}, after {after}; the Store was asked {store.asked} times")
    assert outcomes == [(moment, "abandoned") for moment in MOMENTS]
    assert after == before
    assert live == await registered(redis_url) == []
    assert store.asked == store.dropped >= 2, "nobody is left who waits for its answer"


async def _leave_in(
    moments: tuple[str, ...], pbx: Pbx, engine: EngineProcess, store: SlowStore
) -> list[tuple[str, str]]:
    outcomes = []
    await _leave_at_once(pbx)
    for moment in moments:
        uuid = uuid4()
        pbx.set_globals(CE_FIELDS=f"do={moment}")
        async with open_phone(address(pbx)) as phone:
            await leave(moment, phone, engine, store, uuid)
        ended = await record(engine, uuid, closed=True)
        print(f"hung up {moment}: {ended['outcome']}, {len(ended['turns'])} turns, {len(ended['tools'])} tools")
        outcomes.append((moment, ended["outcome"]))
    return outcomes


async def _leave_at_once(pbx: Pbx) -> None:
    """Hang up with the answer: the engine sees a call of no length, a connection without a call, or nothing."""
    caller = LocalCall(pbx, uuid4(), pbx.log_size())
    async with open_phone(address(pbx)) as phone:
        assert await phone.dial("100", headers={"X-Call-UUID": str(caller.uuid)})
    await caller.over()
