"""A call's checkpoints: what it would need to go on elsewhere, told to the registry whenever something was added."""

from datetime import UTC, datetime

from callengine.call.checkpoint import Checkpoint, first_sequence, packed
from callengine.call.history import History
from callengine.call.parts import Call
from callengine.call.record import Record


def begin_history(call: Call) -> History:
    """The history that the call goes on with."""
    before = call.resumed
    return History() if before is None else History(list(before.items), set(before.written))


def begin_record(call: Call) -> Record:
    """The record that the call goes on with. The turn that the connection before had not written yet is written now,
    under its own number: where it has been written all the same, that changes nothing."""
    before = call.resumed
    record = Record(call.services.journal, call.caller.call_id, call.opened, call.meter)
    record.sequence = first_sequence(before, datetime.now(UTC), first=call.claim.first)
    if before is not None:
        call.meter.total = before.bill
        record.wishes.extend(before.wishes)
        if before.held is not None:
            call.services.journal.record_nowait(before.held)
    return record


class Keeping:
    """Tells the registry of a call's conversation, where that is not what it was told last."""

    def __init__(self, call: Call, history: History, record: Record) -> None:
        self._call = call
        self._history = history
        self._record = record
        self._told: tuple[object, ...] = (record.sequence, record.held, *history.items)

    def look(self) -> None:
        """Keep a checkpoint if anything was said, heard or done since the last one. Never waits."""
        stamp = (self._record.sequence, self._record.held, *self._history.items)
        if stamp != self._told:
            self._told = stamp
            keep(self._call, self._history, self._record)


def keep(call: Call, history: History, record: Record) -> None:
    """Keep a checkpoint of how the call is now. Never waits."""
    checkpoint = Checkpoint(
        call.opened_at,
        call.caller,
        record.sequence,
        tuple(history.items),
        frozenset(history.written),
        record.held,
        tuple(record.wishes),
        call.meter.total,
    )
    call.services.registry.checkpoint_nowait(call.claim, packed(checkpoint))
