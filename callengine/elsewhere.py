"""What is asked of a call on whatever node it is: here at once, or of the node that has it, which answers."""

from collections.abc import Sequence
from typing import TypeVar, get_args
from uuid import UUID

import structlog

from callengine.engine import Engine, HangUp
from callengine.engine import Order as Ordered
from callengine.errors import ServiceError
from callengine.ports.nodes import Order

UNKNOWN = "unknown"

Word = TypeVar("Word", HangUp, Ordered)

log = structlog.get_logger(__name__)


async def hang_up(engine: Engine, uuid: UUID) -> HangUp:
    """End a call, wherever it is up. Raises ServiceError where its node does not answer."""
    found = await engine.hang_up(uuid)
    if found != UNKNOWN:
        return found
    word = await _elsewhere(engine, Order("hangup", str(uuid)))
    return _one_of(word, get_args(HangUp))


async def transfer(engine: Engine, uuid: UUID, target: str) -> Ordered:
    """Order a call to be put through, wherever it is up. Raises ServiceError where its node does not answer."""
    found = engine.transfer(uuid, target)
    if found != UNKNOWN:
        return found
    word = await _elsewhere(engine, Order("transfer", str(uuid), target))
    return _one_of(word, get_args(Ordered))


async def obey(engine: Engine, order: Order) -> str:
    """Carry out what another node was asked; never raises. It is for this node's calls alone, and goes no further."""
    try:
        uuid = UUID(order.call_id)
    except ValueError:
        return UNKNOWN
    match order.what:
        case "hangup":
            return await engine.hang_up(uuid)
        case "transfer":
            return engine.transfer(uuid, order.target)
    return UNKNOWN  # type: ignore[unreachable]  # a newer version's order


async def is_alone(engine: Engine) -> bool:
    """Whether no other node would take a call that is handed over now. Where that is not known the dialplan finds out:
    it asks every node."""
    nodes = engine.services.nodes
    if nodes is None:
        return True
    try:
        return not any(other.free > 0 for other in await nodes.others())
    except ServiceError as error:
        log.warning("other_nodes_unknown", problem=str(error))
        return False


async def _elsewhere(engine: Engine, order: Order) -> str:
    services, here = engine.services, engine.settings.node_name
    if services.nodes is None:
        return UNKNOWN
    for call in await services.registry.live_calls():
        if call.call_id == order.call_id and call.node != here:
            return await services.nodes.ask(call.node, order)
    return UNKNOWN


def _one_of(word: str, known: Sequence[Word]) -> Word:
    for each in known:
        if each == word:
            return each
    raise ServiceError(f"a node of another version answers {word!r}")
