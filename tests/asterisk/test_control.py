"""The control path on a real Asterisk: each way of a transfer, hang-up, and who calls where nothing was registered."""

from pathlib import Path

import httpx
import pytest
import trio

from tests.asterisk.callers import LOOK_AGAIN_SECONDS, PATIENCE_SECONDS, LocalCall, call, open_api, record
from tests.asterisk.instance import CONFIG_PASSWORD, CONFIG_USER, Pbx
from tests.asterisk.nodes import TARGETS, Nodes
from tests.asterisk.test_bad_dialplans import logged
from tests.asterisk.test_calls import LISTENS_SECONDS
from tests.engine_process import EngineProcess
from tests.speech import FIXTURES

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

SPEECH = str(FIXTURES / "ru" / "hello")
WAYS = ["outcome", "ari", "ami", "ari and ami"]
ANSWERED = "a person answered"


def access(pbx: Pbx, way: str) -> dict[str, str]:
    """The engine's settings for a way."""
    settings = {} if way == "outcome" else {"ASTERISK_ARI_URL": f"{pbx.http}/ari"}
    for kind in ("ari", "ami"):
        if kind in way:
            settings |= {
                f"ASTERISK_{kind.upper()}_USER": CONFIG_USER,
                f"ASTERISK_{kind.upper()}_PASSWORD": CONFIG_PASSWORD,
            }
    return settings


def cannot_ask(pbx: Pbx) -> None:
    """The dialplan has no way to ask an engine: what it does then, it was told by Asterisk."""
    pbx.set_globals(CE_API_1="", CE_API_2="")


async def order_transfer(engine: EngineProcess, caller: LocalCall, target: str = "people") -> httpx.Response:
    """As an operator does, once the call is up."""
    await record(engine, caller.uuid)
    async with open_api(engine) as api:
        return await api.post(f"/api/v1/calls/{caller.uuid}/transfer", json={"target": target})


@pytest.mark.parametrize("extension", ["100", "101"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_transfer_ordered_by_the_api(pbx: Pbx, nodes: Nodes, way: str, extension: str) -> None:
    if way != "outcome":
        cannot_ask(pbx)
    with nodes.open("a", **access(pbx, way)) as engine:
        caller = await call(pbx, extension, TAIL="60")
        assert (await order_transfer(engine, caller, "front-desk")).status_code == 202
        await caller.logged(ANSWERED)
        closed = await record(engine, caller.uuid, closed=True)
        line = await logged(engine, "transfer")  # a move is told of once Asterisk has confirmed it
        assert line["way"] == {"outcome": "unsaid", "ari": "told"}.get(way, "moved")
    assert (closed["outcome"], closed["target"]) == ("transferred", "front-desk")
    assert [turn["text"] for turn in closed["turns"]][-1:] == ["Одну минуту."], "the caller is told, to the end"
    by_amis_word = "ami" in way
    assert caller.told() == ([] if by_amis_word else ["node 1 SUCCESS, outcome transfer:front-desk"])


@pytest.mark.parametrize("way", WAYS)
async def test_a_transfer_ordered_by_the_dialog(pbx: Pbx, nodes: Nodes, way: str) -> None:
    with nodes.open("a", **access(pbx, way)) as engine:
        caller = await call(pbx, CE_FIELDS="do=transfer:people", PRE=LISTENS_SECONDS, WAV=SPEECH, TAIL="60")
        await caller.logged(ANSWERED)
        closed = await record(engine, caller.uuid, closed=True)
    assert (closed["outcome"], closed["target"]) == ("transferred", "people")
    assert closed["turns"][-1]["text"] == "Одну минуту."
    assert not closed["turns"][-1]["interrupted"]


async def test_a_place_that_is_not_there_is_found_out_before_the_caller_is_sent_there(
    pbx: Pbx, nodes: Nodes, tmp_path: Path
) -> None:
    file = tmp_path / "misspelt.toml"
    phrases = "\n".join(f'{name} = "Да."' for name in ("greeting", "goodbye", "apology", "transferring", "too_long"))
    target = '[transfer.targets.people]\nredirect = "no-such-context,people,1"\n'
    file.write_text(f'language = "ru-RU"\n{phrases}\n{target}', encoding="utf-8")
    with nodes.open("a", AGENT_FILE=str(file), **access(pbx, "ami")) as engine:
        caller = await call(pbx, TAIL="60")
        assert (await order_transfer(engine, caller)).status_code == 202
        await caller.logged(ANSWERED)
        (line,) = [line for line in engine.log() if line["event"] == "transfer_by_outcome"]
    assert "no-such-context" in line["problem"]
    assert caller.told() == ["node 1 SUCCESS, outcome transfer:people"]


async def test_a_control_path_that_is_away_leaves_the_outcome(pbx: Pbx, nodes: Nodes) -> None:
    away = {**access(pbx, "ari and ami"), "ASTERISK_ARI_URL": "http://127.0.0.1:1"}
    with nodes.open("a", **away) as engine:
        caller = await call(pbx, TAIL="60")
        assert (await order_transfer(engine, caller)).status_code == 202
        await caller.logged(ANSWERED)
        said = [line["event"] for line in engine.log() if line["event"] in ("asterisk_away", "transfer_by_outcome")]
        assert said == ["asterisk_away", "transfer_by_outcome"], "at the start, and once for the call"
    assert caller.told() == ["node 1 SUCCESS, outcome transfer:people"]


async def test_orders_that_cannot_be(pbx: Pbx, nodes: Nodes) -> None:
    with nodes.open("a") as engine:
        caller = await call(pbx, TAIL="60")
        assert (await order_transfer(engine, caller, "the moon")).status_code == 422
        assert (await order_transfer(engine, caller, TARGETS[1])).status_code == 202
        assert (await order_transfer(engine, caller, TARGETS[1])).status_code in (404, 409)
        await caller.logged(ANSWERED)
        with trio.fail_after(PATIENCE_SECONDS):
            while (late := (await order_transfer(engine, caller)).status_code) == 409:  # it is ending
                await trio.sleep(LOOK_AGAIN_SECONDS)
        assert late == 404


@pytest.mark.parametrize("way", ["outcome", "ari", "ami"])
async def test_a_hang_up_is_confirmed_once_asterisk_has_let_go(pbx: Pbx, nodes: Nodes, way: str) -> None:
    with nodes.open("a", **access(pbx, way)) as engine:
        caller = await call(pbx, TAIL="60")
        await record(engine, caller.uuid)
        async with open_api(engine) as api:
            assert (await api.post(f"/api/v1/calls/{caller.uuid}/hangup")).status_code == 204
        await caller.says("over")
        closed = await record(engine, caller.uuid, closed=True)
    assert caller.told() == ["node 1 SUCCESS, outcome hangup", "over"]
    assert (closed["outcome"], closed["detail"]) == ("completed", "hung up from outside")


@pytest.mark.parametrize("extension", ["100", "101"])
@pytest.mark.parametrize("way", ["ari", "ami"])
async def test_who_calls_is_asked_of_asterisk_where_nothing_was_registered(
    pbx: Pbx, nodes: Nodes, way: str, extension: str
) -> None:
    cannot_ask(pbx)
    number, name = "+79031234567", 'Анна "Ани", Петрова'
    with nodes.open("a", **access(pbx, way)) as engine:
        caller = await call(pbx, extension, TAIL="60", CALLER_NUMBER=number, CALLER_NAME=name)
        with trio.fail_after(PATIENCE_SECONDS):
            while not (found := await record(engine, caller.uuid))["number"]:
                await trio.sleep(LOOK_AGAIN_SECONDS)
    assert (found["number"], found["name"]) == (number, name)
    assert found["channel"].startswith(f"Local/{extension}@inbound-")
    assert found["language"] == "ru-RU"
