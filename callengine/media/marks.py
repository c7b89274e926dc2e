"""What the media clock tells a call's reader: the few moments of a call's media that matter. Positions are samples
since the call's first sample (8 kHz), times are `trio.current_time()`."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

# Why a line ended: by the caller's hang-up (a bare EOF), or by a fault named for a metric label.
LineEnd = Literal[
    "hangup", "reset", "no_media", "stalled", "flood", "unknown_kind", "oversize", "bad_uuid", "bad_digit", "raw_codec",
    "fault",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identified:
    """The peer said which call this is."""

    uuid: UUID


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """Confirmed speech, which began at `position`."""

    position: int


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """Speech ended at `position`; whether the turn ended is not the detector's to say."""

    position: int


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """A key was released."""

    digit: str
    position: int


@dataclass(frozen=True, slots=True)
class LineEnded:
    """The connection is over. `detail` is one line for a person."""

    reason: LineEnd
    detail: str = ""


Mark = Identified | SpeechBegan | SpeechPaused | DigitPressed | LineEnded
