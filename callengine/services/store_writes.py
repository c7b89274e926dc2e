"""Writes to the Store, each of which happens once (DESIGN 4.10).

A write is recorded before it is sent; the same one of the same call is then answered from the record. One whose answer
is lost is sent again only where that does it no second time; else nobody knows, and the dialog is told so.
Once sent it is not cancelled: whoever stops waiting for it leaves an answer in the record.
"""

from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

import structlog
import trio

from callengine.errors import ServiceError
from callengine.ports.writes import Write, WriteLog
from callengine.services.store_answers import DONE, TOO_LATE, StoreFaultError, as_text, trimmed
from callengine.services.store_client import StoreClient
from callengine.services.store_requests import StoreRequest
from callengine.services.store_tools import StoreTool

_PAUSES = (0.0, 0.5, 1.0)  # before each try, in seconds

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A write to be made: the tool, what it sends, and what is recorded of it."""

    tool: StoreTool
    request: StoreRequest
    write: Write


class Writer:
    """The writes to one Store: those of the same key one after another."""

    def __init__(self, client: StoreClient, writes: WriteLog) -> None:
        self._client = client
        self._writes = writes
        self._locks: WeakValueDictionary[str, trio.Lock] = WeakValueDictionary()
        self._longest_seconds = len(_PAUSES) * client.deadline_seconds + sum(_PAUSES) + 1.0

    async def write(self, wanted: Wanted) -> str:
        """Make a write, or give what the record has of it; the result's JSON text.

        Raises StoreFaultError; with the fate `unknown` it may have been done."""
        # One after another: who comes second finds the first one's answer in the record.
        async with self._locks.setdefault(wanted.write.key, trio.Lock()):
            await trio.lowlevel.checkpoint_if_cancelled()  # nothing is sent for who has gone before
            with trio.move_on_after(self._longest_seconds, shield=True):
                return await self._write(wanted)
            raise StoreFaultError(TOO_LATE, "unknown")

    async def _write(self, wanted: Wanted) -> str:
        try:
            earlier = await self._writes.begin(wanted.write)
        except ServiceError:
            raise StoreFaultError("it could not be recorded, so it was not sent", "unsent") from None
        if earlier is not None and earlier.state == "done":
            return earlier.answer
        if earlier is not None and not wanted.tool.repeats:
            raise StoreFaultError("it was sent before, and the store's system did not answer", "unknown")
        answer = await self._send(wanted, in_doubt=earlier is not None)
        if isinstance(answer, StoreFaultError):
            if answer.fate != "unknown":
                await self._keep_undone(wanted.write)
            raise answer
        await self._keep_done(replace(wanted.write, state="done", answer=answer))
        return answer

    async def _send(self, wanted: Wanted, *, in_doubt: bool) -> str | StoreFaultError:
        """Send it, and again while that can help; the result's text, or why there is none. `in_doubt`: it may have been
        done already."""
        fault = StoreFaultError(TOO_LATE, "unknown")
        for pause in _PAUSES:
            await trio.sleep(pause)
            try:
                return _told(await self._client.ask(wanted.request, wanted.write.key), wanted.tool)
            except StoreFaultError as problem:
                fault = problem
            refused = fault.fate in ("refused", "in_doubt") and not in_doubt
            in_doubt = in_doubt or fault.fate == "unknown"
            if refused or fault.fate == "refused" or not (wanted.tool.repeats or fault.fate == "unsent"):
                break
        # Refused at last, it may still have been done by an earlier try: a cancelled order cannot be cancelled.
        return StoreFaultError(str(fault), "unknown") if in_doubt else fault

    async def _keep_done(self, write: Write) -> None:
        try:
            await self._writes.done(write)
        except ServiceError as error:  # it is done all the same; asked again, the Store knows the key
            log.warning("write_unrecorded", operation=write.operation, problem=str(error))

    async def _keep_undone(self, write: Write) -> None:
        try:
            await self._writes.undone(write.key)
        except ServiceError as error:
            log.warning("write_unrecorded", operation=write.operation, problem=str(error))


def _told(answer: object, tool: StoreTool) -> str:
    """What the dialog is told of a write that the Store has answered: an answer too long is one nevertheless."""
    content = trimmed(answer, tool.keep)
    try:
        return as_text(content)
    except StoreFaultError:
        return as_text(DONE)
