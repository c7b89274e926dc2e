"""What reaches a call from outside its line: who calls, where nobody had said, and orders what is to become of it."""

from dataclasses import replace

import structlog
import trio

from callengine.call.events import DialogEvent, TransferOrdered
from callengine.call.parts import Call
from callengine.errors import ServiceError
from callengine.ports.journal import CallerFound

log = structlog.get_logger(__name__)


async def learn_caller(call: Call) -> None:
    """Ask the exchange who calls if the dialplan has not said; the dialog and the record have it when it comes."""
    if call.caller.known:
        return
    try:
        found = await call.services.control.find_caller(call.caller.call_id)
    except ServiceError as error:
        log.warning("caller_unknown", problem=str(error))
        return
    if found is not None:
        call.caller = replace(found, language=call.caller.language, fields=call.caller.fields)
        who = CallerFound(found.call_id, found.number, found.name, found.called, found.channel)
        call.services.journal.record_nowait(who)


async def pass_order(
    orders: trio.MemoryReceiveChannel[TransferOrdered], events: trio.MemorySendChannel[DialogEvent]
) -> None:
    """Give the one order to the dialog. The channel closes with the conversation, so that a late order is refused."""
    with orders:
        order = await orders.receive()
    await events.send(order)
