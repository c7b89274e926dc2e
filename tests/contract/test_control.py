"""The Control port, held against every implementation: with ARI, with AMI, with both, with neither."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
import trio

from callengine.ports.control import Control, Destination, Place
from callengine.services.asterisk import open_control
from callengine.services.asterisk_channels import Channel
from callengine.services.no_control import NoControl
from tests.asterisk_http import AsteriskHttp, open_asterisk_http

CALL = str(uuid4())
PEOPLE = Destination("people", Place("callengine-transfer", "people", 1))
NAME = 'Анна "Ани", Петрова'
CHANNEL = Channel("1795377433.1", "Local/100@in-00;2", "+79031234567", NAME, "100", "AudioSocket", f"{CALL},h:9092")
OTHER_HALF = Channel("1795377433.0", "Local/100@in-00;1", "+79031234567", NAME, "caller", "Wait", "10")


@dataclass(frozen=True, slots=True)
class World:
    """A control path, its exchange, and whether the one reaches the other."""

    control: Control
    asterisk: AsteriskHttp
    way: str


@pytest.fixture(params=["none", "ari", "ami", "ari and ami"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    way = str(request.param)
    async with open_asterisk_http() as asterisk:
        asterisk.channels = [OTHER_HALF, CHANNEL]
        if way == "none":
            yield World(NoControl(), asterisk, way)
            return
        async with open_control(asterisk.access("ari" in way, "ami" in way), deadline_seconds=60) as control:
            yield World(control, asterisk, way)


async def test_a_transfer_is_acknowledged_in_a_way_that_is_named(world: World) -> None:
    await world.control.check()
    said = await world.control.transfer(CALL, PEOPLE)
    assert said == {"none": "unsaid", "ari": "told"}.get(world.way, "moved")
    assert world.asterisk.moved == ({CHANNEL.id: "callengine-transfer,people,1"} if said == "moved" else {})
    assert world.asterisk.global_variables == ({f"TRANSFER_{CALL}": "people"} if said == "told" else {})


async def test_a_hang_up_ends_the_calls_own_channel(world: World) -> None:
    assert await world.control.hang_up(CALL) is (world.way != "none")
    assert (CHANNEL in world.asterisk.channels) is (world.way == "none")
    assert OTHER_HALF in world.asterisk.channels
    assert await world.control.hang_up(CALL) is False


async def test_a_caller_is_found_or_not(world: World) -> None:
    found = await world.control.find_caller(CALL)
    if world.way == "none":
        assert found is None
    else:
        assert found is not None
        assert (found.call_id, found.number, found.name) == (CALL, CHANNEL.number, NAME)
        assert (found.called, found.channel, found.language) == ("100", CHANNEL.name, "")
    assert await world.control.find_caller(str(uuid4())) is None


async def test_several_calls_at_once_keep_apart(world: World) -> None:
    calls = [str(uuid4()) for _ in range(10)]
    world.asterisk.channels = [
        Channel(f"1.{number}", f"PJSIP/{number}", str(number), "", "100", "AudioSocket", f"{call},h:9092")
        for number, call in enumerate(calls)
    ]
    numbers: dict[str, str] = {}

    async def ask(call: str) -> None:
        await world.control.transfer(call, PEOPLE)
        if (found := await world.control.find_caller(call)) is not None:
            numbers[call] = found.number

    async with trio.open_nursery() as nursery:
        for call in calls:
            nursery.start_soon(ask, call)
    assert numbers == ({} if world.way == "none" else {call: str(number) for number, call in enumerate(calls)})
