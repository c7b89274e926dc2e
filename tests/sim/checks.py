"""What holds for every call, however it goes and whoever ends it."""

import math

from callengine.media.audio import FRAME_SAMPLES
from callengine.ports.journal import CallClosed, CallOpened, ToolRecorded, TurnRecorded
from tests.sim.call import Stage
from tests.sim.stamped import Spoken, StampedVoice, spoken

TOLERANCE = 1e-6


def turns(stage: Stage) -> list[TurnRecorded]:
    """The recorded turns, in order."""
    entries = [entry for entry in stage.journal.entries if isinstance(entry, TurnRecorded)]
    return sorted(entries, key=lambda turn: turn.sequence)


def said(stage: Stage) -> list[tuple[str, str, bool]]:
    """The recorded turns as role, text, interrupted."""
    return [(turn.role, turn.text, turn.interrupted) for turn in turns(stage)]


def closed(stage: Stage) -> CallClosed:
    """The one closing entry."""
    (entry,) = [entry for entry in stage.journal.entries if isinstance(entry, CallClosed)]
    return entry


def spoken_frames(stage: Stage, voice: StampedVoice) -> list[Spoken]:
    """What went out of the voice's prompts, frame by frame."""
    return spoken([message.payload for message in stage.asterisk.frames()], voice.texts)


def check_wire(stage: Stage) -> None:
    """A frame every 20 ms from accept to close, at most one hang-up, nothing after it."""
    kinds = [message.kind for message in stage.asterisk.sent]
    assert 0x00 not in kinds[:-1], "something after the hang-up"
    spacings = stage.asterisk.spacings()
    assert all(math.isclose(spacing, 0.02, abs_tol=TOLERANCE) for spacing in spacings), f"a gap: {max(spacings)}"
    first = stage.asterisk.frames()[0].at if stage.asterisk.frames() else stage.asterisk.closed_at
    assert first is not None and first - stage.leg.began <= 0.02 + TOLERANCE, "silence did not begin at once"


def check_record(stage: Stage) -> None:
    """Opened once, closed once, in this order; each entry with a number of its own; times inside the call."""
    entries = stage.journal.entries
    assert isinstance(entries[0], CallOpened) and isinstance(entries[-1], CallClosed)
    assert sum(isinstance(entry, CallOpened | CallClosed) for entry in entries) == 2
    numbers = [entry.sequence for entry in entries if isinstance(entry, TurnRecorded | ToolRecorded)]
    assert len(set(numbers)) == len(numbers)
    for turn in turns(stage):
        assert 0.0 <= turn.started <= turn.ended <= closed(stage).seconds + TOLERANCE, turn


def check_heard(stage: Stage, voice: StampedVoice, unrecorded: tuple[str, ...] = ()) -> None:
    """The record's agent says what went out, word for word. `unrecorded` prompts are in no turn: an apology."""
    everything = spoken_frames(stage, voice)
    assert stage.leg.playout.played == sum(part.frames for part in everything) * FRAME_SAMPLES
    heard = [part for part in everything if part.text not in unrecorded]
    words = [word for part in heard for word in part.words]
    recorded = [word for turn in turns(stage) if turn.role == "agent" for word in turn.text.split()]
    if voice.word_times:
        assert recorded == words


def check_call(stage: Stage, voice: StampedVoice) -> None:
    """All of it."""
    check_wire(stage)
    check_record(stage)
    check_heard(stage, voice)
