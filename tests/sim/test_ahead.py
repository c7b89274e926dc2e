"""Speculative start, in virtual time: whatever interims and finals say and whenever they come, nobody hears of a reply
that was begun for other words; it leaves nothing behind but its cost."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from prometheus_client import REGISTRY

import callengine.call.dialog
from callengine.call.turn_events import Action, Answer, CorrectRecord, Event
from callengine.call.turn_table import feed
from callengine.call.turn_words import split_words
from callengine.call.turns import Turns
from callengine.ports.journal import ToolRecorded
from callengine.services.scripted_tools import ScriptedToolbox
from tests.sim.bursts import DIALOGS, STABLE, Burst, bursts_of_speech, hold, parts_for
from tests.sim.call import Parts, Stage, open_stage, run_virtual
from tests.sim.checks import said
from tests.sim.echoing import COST, EchoingDialog, answer_to
from tests.sim.stamped import StampedVoice, read_stamp
from tests.sim.told import Told

PHASES = 0.145  # two runs differ by so much: a chunk of the recogniser's audio and two frames


@dataclass(slots=True)
class Heard:
    """What turn-taking decided: when to answer, and what the turn's words were (a late final may mend them)."""

    answers: list[float] = field(default_factory=list)
    turns: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)

    def answered(self, words: tuple[str, ...], by: float) -> bool:
        return any(at <= by and words == answered for at, answered in self.turns)


@contextmanager
def overheard() -> Iterator[Heard]:
    """Listen to turn-taking."""
    heard = Heard()

    def listening(turns: Turns, event: Event, now: float) -> list[Action]:
        actions = feed(turns, event, now)
        for action in actions:
            if isinstance(action, Answer | CorrectRecord):
                heard.turns.append((now, split_words(action.text)))
            if isinstance(action, Answer):
                heard.answers.append(now)
        return actions

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callengine.call.dialog, "feed", listening)
        yield heard


def told_result(result: str) -> float:
    name = "callengine_speculative_replies_total"
    return REGISTRY.get_sample_value(name, {"result": result}) or 0.0


def tokens() -> float:
    return REGISTRY.get_sample_value("callengine_llm_tokens_total", {"kind": "input"}) or 0.0


async def run_rules(bursts: list[Burst], dialog: EchoingDialog) -> None:
    dialog.asked.clear()
    parts, counted = parts_for(bursts, dialog, on=True), tokens()
    with overheard() as heard:
        stage = await hold(parts, bursts)
    check_speech(stage, parts, heard)
    check_tools(stage, parts, heard)
    check_requests(dialog, counted)


def check_speech(stage: Stage, parts: Parts, heard: Heard) -> None:
    """Every answer that is heard is to a turn that had ended, and no turn has two."""
    assert isinstance(parts.voice, StampedVoice)
    began: dict[int, float] = {}
    for message in stage.asterisk.frames():
        if (stamp := read_stamp(message.payload)) is not None:
            began.setdefault(stamp.number, message.at)
    answers = [(parts.voice.texts[number], at) for number, at in began.items()]
    echoes = [(text, at) for text, at in answers if text.startswith("отвечаю")]
    for text, at in echoes:
        assert heard.answered(split_words(text)[1:-1], at), f"{text!r} was heard before the turn had ended"
    for earlier, later in pairwise(echoes):
        assert any(earlier[1] < at <= later[1] for at in heard.answers), "two answers to one turn"


def check_tools(stage: Stage, parts: Parts, heard: Heard) -> None:
    """Every tool that ran, ran for a turn that had ended; each once."""
    tools = [entry for entry in stage.journal.entries if isinstance(entry, ToolRecorded)]
    assert isinstance(parts.toolbox, ScriptedToolbox)
    assert len(tools) == len(parts.toolbox.calls)
    for tool in tools:
        assert heard.answered(tuple(str(tool.arguments["what"]).split()), stage.leg.began + tool.started)


def check_requests(dialog: EchoingDialog, counted: float) -> None:
    """None is left open, one is left before another is asked, and all that was told of cost is counted."""
    assert all(asked.left_at is not None for asked in dialog.asked)
    for one, other in pairwise(dialog.asked):
        assert one.left_at is not None
        assert one.left_at <= other.at
    assert tokens() - counted == sum(asked.read for asked in dialog.asked)
    assert {asked.read for asked in dialog.asked} <= {0, COST}


@settings(max_examples=40, deadline=None)
@given(bursts_of_speech(), DIALOGS)
def test_nothing_of_a_discarded_reply_is_heard_or_done(bursts: list[Burst], dialog: EchoingDialog) -> None:
    run_virtual(run_rules, bursts, dialog)


async def compare(bursts: list[Burst], dialog: EchoingDialog) -> None:
    stages, before = [], []
    for on in (False, True):
        dialog.asked.clear()
        parts = parts_for(bursts, dialog, on)
        stages.append(await hold(parts, bursts, patience=8.0))
        before.append(dialog.last_told())
    without, ahead = stages
    assert said(without) == said(ahead)
    assert before[0] == before[1], "the dialog was told another history"
    for late, soon in zip(first_frames(without), first_frames(ahead), strict=True):
        assert soon - ahead.leg.began <= late - without.leg.began + PHASES, "speculation made an answer late"


def first_frames(stage: Stage) -> list[float]:
    """When each prompt began to be heard."""
    stamps = [(message.at, read_stamp(message.payload)) for message in stage.asterisk.frames()]
    return [at for at, stamp in stamps if stamp is not None and stamp.index == 0]


@settings(max_examples=25, deadline=None)
@given(bursts_of_speech(final_by=0.9), DIALOGS)
def test_record_and_history_are_those_of_a_run_without(bursts: list[Burst], dialog: EchoingDialog) -> None:
    """Where the caller lets the agent answer, nothing that is said depends on how soon the answer came. (A final that
    comes later than it is waited for corrects the record only while the answer lasts, which then depends on it.)"""
    run_virtual(compare, bursts, dialog)


# What it is for


def asking(*told: Told) -> list[Burst]:
    return [Burst(0.5, 0.8, told)]


async def waited(bursts: list[Burst], on: bool, dialog: EchoingDialog) -> float:
    """Seconds from the caller's last word to the answer's first frame."""
    async with open_stage(parts_for(bursts, dialog, on)) as stage:
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        await trio.sleep(bursts[0].gap)
        await stage.asterisk.speak(bursts[0].seconds)
        ended = trio.current_time()
        seconds = await stage.asterisk.agent_speaks() - ended
        await trio.sleep(3.0)
        stage.asterisk.hang_up()
    return seconds


async def test_a_stable_interim_saves_the_time_of_the_first_word(autojump_clock: trio.testing.MockClock) -> None:
    bursts = asking(Told(0.1, "есть шины", STABLE), Told(0.9, "Есть шины?"))
    used = told_result("used")
    slow = await waited(bursts, False, EchoingDialog(first_seconds=0.4))
    quick = await waited(bursts, True, EchoingDialog(first_seconds=0.4))
    assert slow - quick == pytest.approx(0.4, abs=0.03)
    assert told_result("used") - used == 1


async def test_other_words_are_answered_as_if_nothing_had_been_begun(autojump_clock: trio.testing.MockClock) -> None:
    bursts = asking(Told(0.1, "есть шины", STABLE), Told(0.9, "Есть машины?"))
    discarded, dialog = told_result("discarded"), EchoingDialog(first_seconds=0.4)
    slow = await waited(bursts, False, EchoingDialog(first_seconds=0.4))
    assert await waited(bursts, True, dialog) == pytest.approx(slow, abs=0.03)
    assert told_result("discarded") - discarded == 1
    assert [asked.whole for asked in dialog.asked] == [True, True]


async def test_a_reply_that_failed_is_asked_for_anew(autojump_clock: trio.testing.MockClock) -> None:
    """It fails before the turn is over: the answer is made as ever, and comes."""
    bursts = asking(Told(0.1, "есть шины", STABLE), Told(0.9, "Есть шины?"))
    dialog, failed = EchoingDialog(first_seconds=0.3, fails=frozenset({0})), told_result("failed")
    stage = await hold(parts_for(bursts, dialog, on=True), bursts)
    assert said(stage)[-1] == ("agent", answer_to("есть шины"), False)
    assert (len(dialog.asked), told_result("failed") - failed) == (2, 1)


async def test_who_goes_on_within_the_pause_closes_the_request(autojump_clock: trio.testing.MockClock) -> None:
    first = Burst(0.5, 0.8, (Told(0.1, "есть шины", STABLE), Told(0.2, "есть шины")))
    second = Burst(0.35, 0.8, (Told(0.2, "на зиму"),))
    dialog = EchoingDialog(first_seconds=0.5)
    stage = await hold(parts_for([first, second], dialog, on=True), [first, second])
    early, answer = dialog.asked
    assert early.left_at is not None
    assert early.left_at - early.at < 0.4
    assert not early.whole
    assert said(stage)[1:] == [("caller", "есть шины на зиму", False), ("agent", answer_to("есть шины на зиму"), False)]
    assert answer.request.history[:-1] == early.request.history[:-1]


async def test_where_more_is_expected_nothing_is_begun(autojump_clock: trio.testing.MockClock) -> None:
    bursts = asking(Told(0.1, "мне нужны", STABLE), Told(0.9, "мне нужны"))
    dialog = EchoingDialog()
    await hold(parts_for(bursts, dialog, on=True), bursts)
    assert len(dialog.asked) == 1
