"""What is asked of a call that another node has, and what this one does when it is asked."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
import trio

from callengine.answering import Agents
from callengine.config import load_settings
from callengine.elsewhere import hang_up, is_alone, obey, transfer
from callengine.engine import Engine
from callengine.errors import ServiceError
from callengine.ports.nodes import Neighbour, Obey, Order
from callengine.ports.registry import LiveCall
from callengine.services.memory import MemoryJournal, MemoryRegistry
from tests.sim.call import Parts, services_of

CALL = UUID("6ba7b810-9dad-41d1-80b4-00c04fd430c8")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Others:
    """The Nodes port: neighbours, and what they answer."""

    answer: str = "closed"
    neighbours: Sequence[Neighbour] = ()
    fault: ServiceError | None = None
    asked: list[tuple[str, Order]] = field(default_factory=list)

    async def others(self) -> Sequence[Neighbour]:
        await trio.lowlevel.checkpoint()
        if self.fault is not None:
            raise self.fault
        return self.neighbours

    async def ask(self, node: str, order: Order) -> str:
        await trio.lowlevel.checkpoint()
        self.asked.append((node, order))
        return self.answer

    async def serve(self, obey: Obey, free: Callable[[], int]) -> None:
        await trio.sleep_forever()


def engine(others: Others | None, *up: LiveCall) -> Engine:
    """A node called `here`, where Redis has these calls."""
    parts, registry = Parts(), MemoryRegistry()
    for call in up:
        registry.call_up_nowait(call)
    services = replace(services_of(parts, MemoryJournal(), registry), nodes=others)
    return Engine(load_settings({"NODE_NAME": "here"}), Agents(parts.agent), services)


async def test_the_node_that_has_the_call_is_asked() -> None:
    others = Others()
    here = engine(others, LiveCall("another", "c", NOON), LiveCall(str(CALL), "there", NOON))
    assert await hang_up(here, CALL) == "closed"
    others.answer = "no_target"
    assert await transfer(here, CALL, "sales") == "no_target"
    assert others.asked == [
        ("there", Order("hangup", str(CALL))),
        ("there", Order("transfer", str(CALL), "sales")),
    ]


@pytest.mark.parametrize("others", [None, Others()], ids=["alone", "with others"])
async def test_a_call_that_is_nowhere_is_unknown(others: Others | None) -> None:
    here = engine(others, LiveCall(str(CALL), "here", NOON))  # it has just ended
    assert await hang_up(here, CALL) == "unknown"
    assert await transfer(here, CALL, "sales") == "unknown"
    assert others is None or others.asked == []


async def test_an_answer_of_another_version_is_an_error_of_one_line() -> None:
    here = engine(Others(answer="postponed"), LiveCall(str(CALL), "there", NOON))
    for ask in (hang_up(here, CALL), transfer(here, CALL, "sales")):
        await refused(ask)


async def refused(asking: Awaitable[object]) -> None:
    with pytest.raises(ServiceError, match=r"^a node of another version answers 'postponed'$"):
        await asking


@pytest.mark.parametrize("what", ["hangup", "transfer", "dance"])
@pytest.mark.parametrize("call_id", [str(CALL), "no uuid"])
async def test_what_is_asked_of_a_call_that_is_not_here_goes_no_further(what: str, call_id: str) -> None:
    others = Others()
    order = Order(what, call_id, "sales")  # type: ignore[arg-type]  # a newer version's
    assert await obey(engine(others, LiveCall(str(CALL), "there", NOON)), order) == "unknown"
    assert others.asked == []


async def test_a_node_is_alone_where_no_other_would_take_a_call() -> None:
    assert await is_alone(engine(None))
    assert await is_alone(engine(Others()))
    assert await is_alone(engine(Others(neighbours=[Neighbour("full", 0)])))
    assert not await is_alone(engine(Others(neighbours=[Neighbour("full", 0), Neighbour("free", 1)])))
    assert not await is_alone(engine(Others(fault=ServiceError("away")))), "the dialplan asks them all"
