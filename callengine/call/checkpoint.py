"""How far a conversation is, as text that another node can go on from: compact JSON with a version. Pure.

A text of another version, or a damaged one, is no checkpoint: the call then begins anew, which is what it would do
without one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from callengine.ports.journal import TurnRecorded
from callengine.ports.reasoning import AgentSaid, CallerSaid, HistoryItem, Misheard
from callengine.ports.tools import CallerContext, ToolCall, ToolResult
from callengine.ports.usage import Bill, used_of

VERSION = 1
# Where a connection is numbered by its time, a millisecond has so many numbers: two that begin in one moment by their
# nodes' clocks do not meet, and the numbers stay below 2^53, which is as far as JSON's readers count.
LEAP = 1000
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

_KINDS: Mapping[str, type[HistoryItem]] = {
    "c": CallerSaid,
    "a": AgentSaid,
    "t": ToolCall,
    "r": ToolResult,
    "m": Misheard,
}


@dataclass(frozen=True, slots=True)
class CallbackWish:
    """Somebody is to be called back."""

    number: str
    name: str = ""
    about: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A conversation between two of its steps. `sequence`: the last number in the record; `written`: ids of the tool
    calls that changed the Store; `held`: the caller's turn that is not in the record yet; `bill`: all that was used.
    What a summary is made of is the history and the caller."""

    opened_at: datetime
    caller: CallerContext
    sequence: int = 0
    items: tuple[HistoryItem, ...] = ()
    written: frozenset[str] = frozenset()
    held: TurnRecorded | None = None
    wishes: tuple[CallbackWish, ...] = ()
    bill: Bill = ()

    @property
    def answers_heard(self) -> int:
        """The agent's turns that were heard to their end."""
        return sum(isinstance(item, AgentSaid) and not item.interrupted for item in self.items)

    @property
    def unanswered(self) -> bool:
        """The caller has said something last, and the agent nothing to it."""
        spoken = [item for item in self.items if isinstance(item, CallerSaid | AgentSaid)]
        return bool(spoken) and isinstance(spoken[-1], CallerSaid)


def packed(checkpoint: Checkpoint) -> str:
    """The checkpoint as text."""
    held = checkpoint.held
    value = {
        "v": VERSION,
        "opened_at": checkpoint.opened_at.isoformat(),
        "caller": _told(checkpoint.caller),
        "sequence": checkpoint.sequence,
        "items": [_packed_item(item) for item in checkpoint.items],
        "written": sorted(checkpoint.written),
        "held": None if held is None else _told(held) | {"used": _packed_bill(held.used)},
        "wishes": [_told(wish) for wish in checkpoint.wishes],
        "bill": _packed_bill(checkpoint.bill),
    }
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode("utf-8")  # a model's JSON may hold half a surrogate


def unpacked(text: str) -> Checkpoint | None:
    """The checkpoint in a text; None where there is none that this version can read."""
    try:
        value = json.loads(text)
        if value["v"] != VERSION:
            return None
        held = value["held"]
        return Checkpoint(
            datetime.fromisoformat(value["opened_at"]),
            CallerContext(**value["caller"]),
            int(value["sequence"]),
            tuple(_item_of(*item) for item in value["items"]),
            frozenset(value["written"]),
            None if held is None else TurnRecorded(**(held | {"used": tuple(map(used_of, held["used"]))})),
            tuple(CallbackWish(**wish) for wish in value["wishes"]),
            tuple(map(used_of, value["bill"])),
        )
    except (ValueError, TypeError, KeyError, ArithmeticError):
        return None


def first_sequence(before: Checkpoint | None, now: datetime, *, first: bool) -> int:
    """The number behind which the turns of a connection that began `now` are numbered: from 1 on where it is surely its
    call's first one, else by the time. So what another node wrote in its last moment, or replays later, has a place of
    its own and comes before, though nobody could say here that there was such a node."""
    if first and before is None:
        return 0
    by_time = (now - _BEGINNING) // timedelta(milliseconds=1) * LEAP
    return by_time if before is None else max(by_time, (before.sequence // LEAP + 1) * LEAP)


def _packed_item(item: HistoryItem) -> list[Any]:
    (kind,) = [kind for kind, known in _KINDS.items() if isinstance(item, known)]
    return [kind, _told(item)]


def _item_of(kind: str, fields: dict[str, Any]) -> HistoryItem:
    return _KINDS[kind](**fields)


def _packed_bill(bill: Bill) -> list[dict[str, Any]]:
    return [_told(used) | {"usd": None if used.usd is None else str(used.usd)} for used in bill]


def _told(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from what they are without being told."""
    return {field.name: part for field in fields(value) if (part := getattr(value, field.name)) != field.default}
