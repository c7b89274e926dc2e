"""The record of calls. Writing never waits: the database is never in a call's way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from callengine.ports.calls_wanted import ALL_CALLS, CallsWanted
from callengine.ports.usage import Bill

Outcome = Literal[
    "completed", "transferred", "abandoned", "no_input", "too_long", "busy", "refused", "handed_over", "failed"
]
Role = Literal["caller", "agent"]


@dataclass(frozen=True, slots=True)
class CallOpened:
    """A call was accepted. Times are UTC."""

    call_id: str
    node: str
    opened_at: datetime
    language: str
    number: str = ""
    name: str = ""
    called: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""


@dataclass(frozen=True, slots=True)
class CallerFound:
    """Who calls became known after the call was opened; it replaces what the call's opening said."""

    call_id: str
    number: str
    name: str
    called: str
    channel: str


@dataclass(frozen=True, slots=True)
class TurnRecorded:
    """One turn, written once. `started` and `ended` in seconds since the call was opened; `timings` in seconds by stage
    (endpointing, final, first_token, first_sentence, first_audio, response) of agent turns; `lost` of a caller's that
    nobody understood. `used`: what was used since the turn recorded before; nothing in rows older than it."""

    call_id: str
    sequence: int
    role: Role
    text: str
    started: float
    ended: float
    interrupted: bool = False
    timings: Mapping[str, float] = field(default_factory=dict)
    used: Bill = ()


@dataclass(frozen=True, slots=True)
class ToolRecorded:
    """One tool call and what came of it. `sequence` is shared with the turns."""

    call_id: str
    sequence: int
    name: str
    arguments: Mapping[str, Any]
    result: str
    is_error: bool
    started: float
    seconds: float


@dataclass(frozen=True, slots=True)
class CallClosed:
    """A call ended. `detail` says more in a few fixed words, never a caller's. `target` of a transfer, and `summary`:
    what the person there is told of the call. `used`: all that the call has used; None in rows older than it."""

    call_id: str
    closed_at: datetime
    seconds: float
    outcome: Outcome
    detail: str = ""
    target: str = ""
    summary: str = ""
    used: Bill | None = None


@dataclass(frozen=True, slots=True)
class CallbackRequested:
    """Somebody is to be called back, at `number`. `about` and `when` are the caller's words, or the agent's for them;
    `sequence` is shared with the turns."""

    call_id: str
    sequence: int
    requested_at: datetime
    number: str
    name: str = ""
    about: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True)
class RecordingKept:
    """The sound of a call, or of one of its connections, is in `file` under the node's DATA_DIR/recordings; `began`:
    when its first sample was. Written again with `url` once it is in S3."""

    call_id: str
    file: str
    node: str
    began: datetime
    seconds: float
    url: str = ""


Entry = CallOpened | CallerFound | TurnRecorded | ToolRecorded | CallbackRequested | RecordingKept | CallClosed


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call as the record has it; `closed` is None while it is up (or its end is not written yet)."""

    opened: CallOpened
    closed: CallClosed | None
    turns: Sequence[TurnRecorded] = ()
    tools: Sequence[ToolRecorded] = ()
    callbacks: Sequence[CallbackRequested] = ()
    recordings: Sequence[RecordingKept] = ()


class Journal(Protocol):
    """The record: written behind, read for the API."""

    @property
    def backlog(self) -> int:
        """Entries not in the database yet."""
        ...

    @property
    def spool_failed(self) -> bool:
        """Entries that wait for the database could not be put on disk: they are lost if the engine dies now."""
        ...

    def record_nowait(self, entry: Entry) -> None:
        """Take an entry. Never blocks, never raises."""
        ...

    async def flush(self) -> None:
        """Wait until every entry taken so far is in the database. Raises ServiceError."""
        ...

    async def check(self) -> None:
        """Raise ServiceError when the database cannot be reached."""
        ...

    async def call(self, call_id: str) -> CallRecord | None:
        """One call with its turns and tools, or None. Raises ServiceError."""
        ...

    async def calls(self, limit: int, wanted: CallsWanted = ALL_CALLS) -> Sequence[CallRecord]:
        """The newest calls first, without turns and tools; those that are wanted. Raises ServiceError."""
        ...

    async def callbacks(self, limit: int, before: datetime | None = None) -> Sequence[CallbackRequested]:
        """The newest requests to be called back first, of all calls; those made before `before`.

        Raises ServiceError."""
        ...
