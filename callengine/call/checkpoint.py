"""How far a conversation is, as text that another node can go on from: compact JSON with a version. Pure.

A text of another version, or a damaged one, is no checkpoint: the call then begins anew, which is what it would do
without one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from callengine.ports.journal import TurnRecorded
from callengine.ports.reasoning import AgentSaid, CallerSaid, HistoryItem, Misheard
from callengine.ports.tools import CallerContext, ToolCall, ToolResult
from callengine.ports.usage import Bill, used_of

VERSION = 1
# Between the numbers of two connections' turns: what the one before wrote in its last moment keeps a place of its own.
LEAP = 1000

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


def first_sequence(epoch: int, before: Checkpoint | None) -> int:
    """The number behind which the turns of the connection `epoch` are numbered (0: its number is not known)."""
    leaps = max(epoch - 1, 0)
    if before is not None:
        leaps = max(leaps, before.sequence // LEAP + 1)
    return leaps * LEAP


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
