"""Users' own dialplans that get AudioSocket wrong, on a real Asterisk: the call works, or ends with one clear line."""

from uuid import UUID

import pytest
import trio

from tests.asterisk.callers import LOOK_AGAIN_SECONDS, PATIENCE_SECONDS, LocalCall, call, loud_seconds, open_api, record
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import Nodes
from tests.asterisk.own_dialplan import OWN, own_extension
from tests.engine_process import EngineProcess, Line

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

WENT_ON = "Verbose(1,callengine ${CALL_UUID}: went on ${TRYSTATUS}${DIALSTATUS})"


async def logged(engine: EngineProcess, event: str) -> Line:
    """The engine's only line of this event, once there is one."""
    with trio.fail_after(PATIENCE_SECONDS):
        while not (found := [line for line in engine.log() if line["event"] == event]):
            await trio.sleep(LOOK_AGAIN_SECONDS)
    (line,) = found
    return line


async def outcome(engine: EngineProcess, caller: LocalCall) -> str:
    async with open_api(engine) as api:
        return (await api.get(f"/api/v1/calls/{caller.uuid}/outcome")).text


async def test_dial_without_c(pbx: Pbx, nodes: Nodes) -> None:
    heard = pbx.folder / "raw"
    steps = ("Answer()", "Dial(AudioSocket/@ENGINE@/${CALL_UUID},,g)", WENT_ON)
    with nodes.open("a") as engine, own_extension(pbx, *steps):
        caller = await call(pbx, "900", context=OWN, HEARD=str(heard), PRE="0", TAIL="30")
        await caller.says("went on ANSWER")
        line = await logged(engine, "line_failed")
        await caller.over()
        closed = await record(engine, caller.uuid, closed=True)
        assert await outcome(engine, caller) == "failed"
    assert line["reason"] == "raw_codec"
    assert "write Dial(AudioSocket/host:port/uuid/c(slin))" in line["detail"]
    assert closed["outcome"] == "failed"
    assert loud_seconds(heard.with_suffix(".wav")) <= 1.5, "a bit of the greeting, if anything"


async def test_one_uuid_for_every_call(pbx: Pbx, nodes: Nodes) -> None:
    same = UUID("40325ec2-5efd-4bd3-805f-53576e581d13")
    steps = ("Answer()", f"TryExec(AudioSocket({same},@ENGINE@))", WENT_ON)
    with nodes.open("a") as engine, own_extension(pbx, *steps):
        first = await call(pbx, "900", same, OWN, PRE="30")
        await record(engine, same)
        second = await call(pbx, "900", context=OWN, PRE="30")
        await second.says("went on SUCCESS")
        line = await logged(engine, "connection_refused")
        assert line["reason"] == "duplicate"
        assert "Set(CALL_UUID=${UUID()})" in line["detail"]
        assert first.told() == [], "the first call goes on"


async def test_progress_in_place_of_answer(pbx: Pbx, nodes: Nodes) -> None:
    steps = ("Progress()", "TryExec(AudioSocket(${CALL_UUID},@ENGINE@))", WENT_ON)
    with nodes.open("a") as engine, own_extension(pbx, *steps):
        caller = await call(pbx, "900", context=OWN)
        await caller.says("went on FAILED")
        line = await logged(engine, "connection_refused")
    assert line["reason"] == "closed"
    assert "AudioSocket() on a channel without Answer() (Progress() is none)" in line["detail"]


async def test_a_wideband_leg_is_a_call(pbx: Pbx, nodes: Nodes) -> None:
    heard = pbx.folder / "wideband"
    steps = ("Answer()", "Dial(AudioSocket/@ENGINE@/${CALL_UUID}/c(slin16),,g)", WENT_ON)
    with nodes.open("a") as engine, own_extension(pbx, *steps):
        caller = await call(pbx, "900", context=OWN, HEARD=str(heard), PRE="8", TAIL="0")
        await caller.over()
        closed = await record(engine, caller.uuid, closed=True)
        assert not [line for line in engine.log() if line["event"] in ("line_failed", "connection_refused")]
    assert closed["outcome"] in ("abandoned", "completed")
    assert loud_seconds(heard.with_suffix(".wav")) > 1.0, "the greeting"
