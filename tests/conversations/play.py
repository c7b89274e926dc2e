"""A conversation played: the whole call in virtual time, a caller who keeps to the script, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from uuid import uuid4

import trio

from backends.stt.scripted import ScriptedRecognizer
from callengine.agent import load_agent
from callengine.ports.journal import CallClosed, ToolRecorded, TurnRecorded
from callengine.ports.reasoning import Dialog
from callengine.ports.tools import CallerContext, Toolbox
from tests.conversations.script import Conversation, Turn
from tests.sim.call import Parts, Stage, open_stage
from tests.sim.checks import check_heard, check_record, closed
from tests.sim.engine import ScriptedControl
from tests.sim.stamped import StampedVoice

LOOK_SECONDS = 0.05
QUIET_SECONDS = 0.6  # of the agent's, before the caller takes the word
LONGEST_WAIT_SECONDS = 60.0
SPEAKING_SECONDS = (0.5, 6.0)
SECONDS_OF_CHARACTER = 0.06


@dataclass(frozen=True)
class TurnPlayed:
    """What came of one turn of the file: the agent's words, whether they were cut off, the tools that were run."""

    words: str
    cut_off: bool
    tools: tuple[ToolRecorded, ...]


@dataclass(frozen=True)
class Played:
    """What came of a conversation. `hung_up`: it was the caller who ended it."""

    greeting: str
    turns: tuple[TurnPlayed, ...]
    end: CallClosed
    hung_up: bool
    transcript: tuple[tuple[str, str], ...]


async def play(conversation: Conversation, dialog: Dialog, toolbox: Toolbox) -> Played:
    """Hold the call; the caller hangs up after the last answer, unless it is over by then."""
    voice = StampedVoice()
    texts = [turn.caller for turn in conversation.turn if turn.caller]
    caller = CallerContext("", conversation.language, conversation.number) if conversation.number else None
    parts = Parts(
        recognizer=ScriptedRecognizer(texts or [""], interim_every_seconds=0.3),
        voice=voice,
        dialog=dialog,
        toolbox=toolbox,
        agent=load_agent(None, conversation.language),
        control=ScriptedControl(found=caller),
    )
    began: list[float] = []
    async with open_stage(parts, uuid=uuid4()) as stage:
        before: Turn | None = None
        for turn in conversation.turn:
            await _await_word(stage, turn, before, began)
            if stage.ended.is_set():
                break
            began.append(_now(stage))
            await _take_turn(stage, turn)
            before = turn
        await _await_word(stage, None, before, began)
        hung_up = not stage.ended.is_set()
        if hung_up:
            stage.asterisk.hang_up()
    check_record(stage)
    check_heard(stage, voice)
    return _played(stage, began, hung_up)


async def _take_turn(stage: Stage, turn: Turn) -> None:
    """One turn of the caller's, from its first word to its last."""
    if turn.silence is not None:
        await trio.sleep(turn.silence)
    elif turn.caller:
        await stage.asterisk.speak(speaking_seconds(turn.caller))
    else:
        stage.asterisk.press(turn.keys)


async def _await_word(stage: Stage, turn: Turn | None, before: Turn | None, began: list[float]) -> None:
    """Wait until it is the caller's turn to speak, `after` so many seconds of the agent's words or behind them all."""
    if turn is not None and turn.after is not None:
        await _until(stage, lambda: stage.leg.talking)
        await trio.sleep(turn.after)
        return
    if before is None:
        await _until(stage, lambda: bool(_agent_turns(stage)))
    elif before.silence is None:
        # a murmur has no answer of its own: the one that it was said over has to end
        since = began[-1] if before.cuts_off else 0.0
        await _until(stage, lambda: any(e.started >= since and e.ended >= began[-1] for e in _agent_turns(stage)))
    await _until(stage, lambda: _quiet(stage))


async def _until(stage: Stage, ready: Callable[[], bool]) -> None:
    """Wait for it, or for the call's end, or for longer than any caller would."""
    with trio.move_on_after(LONGEST_WAIT_SECONDS):
        while not (ready() or stage.ended.is_set()):
            await trio.sleep(LOOK_SECONDS)


def speaking_seconds(words: str) -> float:
    """How long somebody takes to say them."""
    least, most = SPEAKING_SECONDS
    return min(most, max(least, SECONDS_OF_CHARACTER * len(words)))


def _now(stage: Stage) -> float:
    return trio.current_time() - stage.leg.began


def _quiet(stage: Stage) -> bool:
    leg = stage.leg
    return not leg.talking and trio.current_time() - leg.silent_from >= QUIET_SECONDS


def _agent_turns(stage: Stage) -> list[TurnRecorded]:
    entries = [entry for entry in stage.journal.entries if isinstance(entry, TurnRecorded)]
    return [entry for entry in entries if entry.role == "agent"]


def _played(stage: Stage, began: list[float], hung_up: bool) -> Played:
    """What came of each turn: what the agent began between the caller's beginning and the next one."""
    turns = sorted((e for e in stage.journal.entries if isinstance(e, TurnRecorded)), key=lambda turn: turn.sequence)
    tools = [entry for entry in stage.journal.entries if isinstance(entry, ToolRecorded)]
    agent = [turn for turn in turns if turn.role == "agent"]
    played = []
    for since, until in pairwise((*began, float("inf"))):
        said = [turn for turn in agent if since <= turn.started < until]
        run = tuple(tool for tool in tools if since <= tool.started < until)
        played.append(TurnPlayed(" ".join(turn.text for turn in said), any(turn.interrupted for turn in said), run))
    greeting = " ".join(turn.text for turn in agent if not began or turn.started < began[0])
    transcript = tuple((turn.role, turn.text) for turn in turns)
    return Played(greeting, tuple(played), closed(stage), hung_up, transcript)
