"""What telephones and dialplans get wrong: names that look like code, a UUID twice, no Answer(), a wrong token."""

from uuid import uuid4

import pytest
import trio

from callengine.display_name import display_name
from tests.asterisk.callers import PATIENCE_SECONDS, call, hang_up, record
from tests.asterisk.instance import Pbx
from tests.asterisk.nodes import Nodes
from tests.asterisk.phone import open_phone
from tests.asterisk.sip import quoted
from tests.asterisk.telephones import address
from tests.engine_process import EngineProcess, Line

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

# 300 bytes, with everything that the dialplan, a URL or a form might trip over
LONG = 'Иванов, "Сам" (о\'Нил) & Ко = 100% [x] {y} \\ | ; + # ? / : 1 ~ ^ $ '
NAMES = {
    "300 bytes": (LONG * 9).encode()[:300].decode("utf-8", "ignore").strip(),
    "comma and quotes": 'Smith, "Jo"',
    "one quote": 'half "a quote',
    "colon behind a parenthesis": "Anna :) x: y",
    "open parenthesis": "((( a",
    "closing brace": "a } b { c",
    "a variable": "${CE_TOKEN}",
    "a function": "${SHELL(id)}",
    "an expression": "$[1 + 1]",
    "backslash at the end": "a\\",
    "fields of its own": "x&name=y&language=en-GB",
    "per cent": "100%41 +7",
}


async def refusal(engine: EngineProcess) -> Line:
    """The engine's line about a connection that it refused."""
    with trio.fail_after(PATIENCE_SECONDS):
        while not (lines := [line for line in engine.log() if line.get("event") == "connection_refused"]):
            await trio.sleep(0.02)
    return lines[0]


async def test_caller_names_survive_the_dialplan(pbx: Pbx, nodes: Nodes) -> None:
    pbx.set_globals(CE_TOKEN="secret-1")
    with nodes.open("a") as engine:
        found = {}
        for what, name in NAMES.items():
            caller = await call(pbx, CALLER_NAME=name, TAIL="60")
            found[what] = (await record(engine, caller.uuid))["name"]
            await hang_up(engine, caller.uuid)
            await caller.over()
            # app_audiosocket may warn of a call that is over
            warnings = [line for line in caller.log().splitlines() if "WARNING" in line or "ERROR" in line]
            assert [line for line in warnings if "app_audiosocket.c" not in line] == [], what
    assert found == NAMES


@pytest.mark.parametrize("name", ["x" * 300, "Я" * 150, '\\"' * 40], ids=["ascii", "cyrillic", "quoted pairs"])
async def test_a_telephone_s_name_of_any_length(name: str, pbx: Pbx, nodes: Nodes) -> None:
    """chan_pjsip keeps so much of it: AST_CHANNEL_NAME, 80 bytes with the NUL."""
    uuid = uuid4()
    with nodes.open("a") as engine:
        async with open_phone(address(pbx)) as phone:
            assert await phone.dial("100", name, {"X-Call-UUID": str(uuid)})
            opened = await record(engine, uuid)
    kept = quoted(name)[1:-1].encode()[:79].decode("utf-8", "ignore")
    assert opened["name"] == display_name(kept, "PJSIP/")


async def test_a_token_opens_the_api(pbx: Pbx, nodes: Nodes) -> None:
    pbx.set_globals(CE_TOKEN="right", CE_ENGINE_2="", CE_API_2="")
    with nodes.open("a", API_TOKEN="right", MAX_CALL_SECONDS="1"):
        caller = await call(pbx, TAIL="60")
        await caller.over()
    assert caller.told() == ["node 1 SUCCESS, outcome hangup", "over"]  # the registration was taken without a word


async def test_a_wrong_token_is_named(pbx: Pbx, nodes: Nodes) -> None:
    pbx.set_globals(CE_TOKEN="wrong", CE_ENGINE_2="", CE_API_2="", CE_RETRY_SECONDS="0")
    with nodes.open("a", API_TOKEN="right", MAX_CALL_SECONDS="1"):
        caller = await call(pbx, TAIL="60")
        await caller.over()
    told = caller.told()
    assert "see CE_API_1 and CE_TOKEN in settings.conf" in told[0]
    assert told[1:] == ["node 1 SUCCESS, outcome unknown", "fallback", "over"]


async def test_a_uuid_that_is_up_already_is_refused_and_its_caller_reaches_people(pbx: Pbx, nodes: Nodes) -> None:
    pbx.set_globals(CE_QUEUE="people", CE_ENGINE_2="", CE_API_2="", CE_RETRY_SECONDS="2")
    with nodes.open("a") as engine:
        first = await call(pbx, TAIL="60")
        await record(engine, first.uuid)
        second = await call(pbx, uuid=first.uuid, TAIL="60")
        await second.logged("a person answered")
        line = await refusal(engine)
        assert (line["reason"], "UUID is up" in line["detail"]) == ("duplicate", True)
        assert (await record(engine, first.uuid))["closed_at"] is None


async def test_a_call_that_was_not_answered_is_named(pbx: Pbx, nodes: Nodes) -> None:
    with nodes.open("a") as engine:
        caller = await call(pbx, "102", TAIL="60")
        await caller.logged(f"after 102 {caller.uuid} FAILED")
        line = await refusal(engine)
    assert (line["reason"], "without a UUID" in line["detail"]) == ("closed", True)
