"""An engine that is stopped (SIGSTOP): it goes on where it was, and a caller whom nothing is heard of gets a person."""

import os
import signal
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import trio

from tests.asterisk.callers import LocalCall, record
from tests.asterisk.conftest import Figure
from tests.asterisk.heard import is_sound
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import Nodes
from tests.asterisk.obedient import write_plugin
from tests.asterisk.phone import Phone, open_phone
from tests.asterisk.telephones import address, samples_of
from tests.engine_process import EngineProcess
from tests.speech import FIXTURES

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

QUESTION = samples_of(FIXTURES / "ru" / "hello.wav")
ASTERISK_SECONDS = 4.0  # of RTP the kernel keeps for it: 5 s and a half
STOPPED_SECONDS = 3.0  # the watchdog of a clock that stands bites after 2 s, but not here: the whole process stood


async def _hear_the_agent(phone: Phone, uuid: UUID, extension: str = "100") -> None:
    """Call and ask something; the agent then talks on and on."""
    assert await phone.dial(extension, headers={"X-Call-UUID": str(uuid)})
    assert await phone.agent_silent(0.6)
    assert await phone.say(QUESTION)
    assert await phone.agent_speaking(0.5)


def _silent_for(phone: Phone) -> float:
    return trio.current_time() - phone.heard[-1].at


async def test_a_stopped_engine_goes_on_where_it_was(pbx: Pbx, nodes: Nodes, tmp_path: Path, figure: Figure) -> None:
    write_plugin(tmp_path / "plugins", "dawdling")
    uuid = uuid4()
    with nodes.open("a", DIALOG_BACKEND="dawdling") as engine:
        async with open_phone(address(pbx)) as phone:
            await _hear_the_agent(phone, uuid)
            engine.tell(signal.SIGSTOP)
            assert await phone.until(lambda: _silent_for(phone) >= STOPPED_SECONDS)
            stood = len(phone.heard)
            engine.tell(signal.SIGCONT)
            assert await phone.until(lambda: len(phone.heard) > stood)
            again = phone.heard[stood].at
            assert await phone.until(lambda: sum(is_sound(timed.packet) for timed in phone.heard[stood:]) >= 50)
            assert phone.state == "up"
        ended = await record(engine, uuid, closed=True)
    after = [timed.at - again for timed in phone.heard[stood:]]
    at_once = max(sum(begin <= at < begin + 0.018 for at in after) for begin in after)
    figure("a stopped engine: no packet for", again - phone.heard[stood - 1].at)
    print(f"then at most {at_once} packets within 18 ms, {sum(at < 1.0 for at in after)} in the first second")
    assert ended["outcome"] == "abandoned"


async def _until_a_person_answers(
    pbx: Pbx, engine: EngineProcess, extension: str, *, muted: bool
) -> tuple[LocalCall, float]:
    """Call, stop the engine while it talks, and wait for the queue, so many seconds; then let it go on, which has
    lost the call. A muted caller sends no RTP (or DTX): Asterisk then hears from neither side."""
    async with open_phone(address(pbx)) as phone:
        call = LocalCall(pbx, uuid4(), pbx.log_size())
        await _hear_the_agent(phone, call.uuid, extension)
        phone.mute(on=muted)
        engine.tell(signal.SIGSTOP)
        stopped = trio.current_time()
        await call.logged("a person answered")
        waited = trio.current_time() - stopped
        engine.tell(signal.SIGCONT)
        assert (await record(engine, call.uuid, closed=True))["outcome"] == "abandoned"
        assert phone.state == "up"
    return call, waited


async def test_a_silent_caller_of_a_stopped_engine_gets_a_person(
    pbx: Pbx, nodes: Nodes, tmp_path: Path, figure: Figure
) -> None:
    """Asterisk gives up after 2 s in which it hears from neither side."""
    write_plugin(tmp_path / "plugins", "dawdling")
    pbx.set_globals(CE_QUEUE="people", CE_ENGINE_2="", CE_API_2="", CE_RETRY_SECONDS="0", CE_API_SECONDS="5")
    with nodes.open("a", DIALOG_BACKEND="dawdling") as engine:
        call, waited = await _until_a_person_answers(pbx, engine, "100", muted=True)
    figure("an engine stopped, the caller muted: until a person answers", waited)
    assert call.told() == ["node 1 FAILED, outcome unknown", "fallback"]


async def test_a_stopped_wideband_engine_is_left_in_the_end(
    pbx: Pbx, nodes: Nodes, tmp_path: Path, figure: Figure
) -> None:
    """Under Dial() Asterisk looks at a failed write only when the engine sends something, which this one does not."""
    write_plugin(tmp_path / "plugins", "dawdling")
    pbx.set_globals(CE_QUEUE="people", CE_ENGINE_2="", CE_API_2="", CE_MAX_SECONDS="20")
    with nodes.open("a", DIALOG_BACKEND="dawdling") as engine:
        call, waited = await _until_a_person_answers(pbx, engine, "101", muted=False)
    figure("a wideband engine stopped: until a person answers, at CE_MAX_SECONDS", waited)
    assert call.told() == ["held for over 20 s", "fallback"]


async def test_an_engine_that_stops_reading_is_left(pbx: Pbx, nodes: Nodes, tmp_path: Path, figure: Figure) -> None:
    """Asterisk's write fails once the buffers on the way are full: within seconds at 192 kHz."""
    write_plugin(tmp_path / "plugins", "deaf")
    pbx.set_globals(CE_QUEUE="people", CE_ENGINE_2="", CE_API_2="")
    with nodes.open("a", DIALOG_BACKEND="deaf") as engine:
        async with open_phone(address(pbx)) as phone:
            call = LocalCall(pbx, uuid4(), pbx.log_size())
            await _hear_the_agent(phone, call.uuid, "104")
            asked = trio.current_time()
            await call.logged("Failed to write data to AudioSocket")
            figure("an engine that stops reading at 192 kHz: until Asterisk notices", trio.current_time() - asked)
            await call.logged("a person answered")
            figure("an engine that stops reading: until a person answers", trio.current_time() - asked)
            assert phone.state == "up"
        ended = await record(engine, call.uuid, closed=True)
    told = call.told()
    assert told[0] == "node 1 SUCCESS, outcome retry"
    assert told[-1] == "fallback"
    assert ended["outcome"] == "abandoned"


async def test_calls_of_a_stopped_asterisk_go_on(pbx: Pbx, nodes: Nodes, figure: Figure) -> None:
    """What it held back comes at once, more than 3 s of audio within a few ms: late, not a flood."""
    uuid = uuid4()
    with nodes.open("a") as engine:
        async with open_phone(address(pbx)) as phone:
            assert await phone.dial("100", headers={"X-Call-UUID": str(uuid)})
            assert await phone.agent_silent(0.6)
            os.kill(pbx.pid, signal.SIGSTOP)
            stopped = trio.current_time()
            said = await phone.say(QUESTION) and await phone.until(lambda: _silent_for(phone) >= ASTERISK_SECONDS)
            os.kill(pbx.pid, signal.SIGCONT)
            assert said
            stood = len(phone.heard)
            assert await phone.until(lambda: any(is_sound(timed.packet) for timed in phone.heard[stood:]))
            figure("Asterisk stopped: until the question said meanwhile is answered", phone.heard[stood].at - stopped)
            assert phone.state == "up"
        ended = await record(engine, uuid, closed=True)
    assert ended["outcome"] in ("abandoned", "completed")
    assert [turn["role"] for turn in ended["turns"]][:3] == ["agent", "caller", "agent"]
