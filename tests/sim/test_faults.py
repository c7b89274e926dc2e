"""A failure in each part of a call: that call apologises and ends as failed; another beside it notices nothing."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import UUID

import pytest
import trio
import trio.testing

from backends.stt.scripted import LIMITS
from callengine import metrics
from callengine.errors import ReasoningError, RecognizerError
from callengine.ports.reasoning import Reply, ReplyEvent, ReplyRequest, TextDelta
from callengine.ports.recognition import RecognizerStream, StreamLimits, StreamSpec
from callengine.ports.tools import CallerContext, ToolCall, ToolResult, ToolSpec
from tests.conftest import ExpectErrorLog
from tests.sim.call import Parts, Stage, open_clock, open_stage
from tests.sim.checks import check_call, check_heard, check_record, check_wire, closed, said, spoken_frames
from tests.sim.deaf import DeafStream
from tests.sim.plays import AGENT, LOOK, Delays, rich_parts, speak_all
from tests.sim.stamped import StampedVoice

SECOND_UUID = UUID(int=2)


@dataclass
class BrokenRecognizer:
    """A recogniser that fails at opening, `after` seconds of waiting for its results, or when a stream is left."""

    error: Exception
    at_open: bool = False
    at_close: bool = False
    after: float = 1.0
    limits: StreamLimits = LIMITS
    opened: int = 0

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        await trio.lowlevel.checkpoint()
        self.opened += 1
        if self.at_open:
            raise self.error
        try:
            yield DeafStream(trio.current_time() + self.after, self.error)
        finally:
            if self.at_close:
                raise self.error


@dataclass
class BrokenDialog:
    """A dialog backend that fails at opening, or after `words`."""

    error: Exception
    at_open: bool = False
    words: list[str] = field(default_factory=list)

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        await trio.lowlevel.checkpoint()
        if self.at_open:
            raise self.error
        yield self

    async def receive(self) -> ReplyEvent | None:
        await trio.sleep(0.05)
        if self.words:
            return TextDelta(self.words.pop(0))
        raise self.error


@dataclass
class BrokenToolbox:
    """A toolbox that breaks its contract: it raises."""

    error: Exception
    specs: tuple[ToolSpec, ...] = (LOOK,)

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    async def run(self, call: ToolCall, caller: CallerContext) -> ToolResult:
        await trio.sleep(0.1)
        raise self.error


def voice_of(parts: Parts) -> StampedVoice:
    return cast(StampedVoice, parts.voice)


def no_use() -> RecognizerError:
    return RecognizerError("bad credentials", retryable=False)


def failing(name: str) -> Parts:
    """The rich play's parts, one of them broken."""
    parts = rich_parts()
    odd, gone = RuntimeError("odd"), ReasoningError("gone", retryable=True)
    again = RecognizerError("away", retryable=True)
    broken: dict[str, dict[str, Any]] = {
        "recognizer refuses": {"recognizer": BrokenRecognizer(no_use())},
        "recognizer is away": {"recognizer": BrokenRecognizer(again)},
        "recognizer does not open": {"recognizer": BrokenRecognizer(no_use(), at_open=True)},
        "recognizer is away at opening": {"recognizer": BrokenRecognizer(again, at_open=True)},
        "recognizer is odd": {"recognizer": BrokenRecognizer(odd)},
        "recognizer is odd at opening": {"recognizer": BrokenRecognizer(odd, at_open=True)},
        "dialog does not open": {"dialog": BrokenDialog(gone, at_open=True)},
        "dialog breaks in mid-reply": {"dialog": BrokenDialog(gone, words=["Есть четыре ", "штуки. ", "И ещё "])},
        "dialog is odd": {"dialog": BrokenDialog(odd, words=["Есть четыре ", "штуки. ", "И ещё "])},
        "toolbox raises": {"toolbox": BrokenToolbox(odd)},
    }
    return replace(parts, **broken[name])


FAULTS = (
    "recognizer refuses",
    "recognizer is away",
    "recognizer does not open",
    "recognizer is away at opening",
    "recognizer is odd",
    "recognizer is odd at opening",
    "dialog does not open",
    "dialog breaks in mid-reply",
    "dialog is odd",
    "toolbox raises",
)


async def play_beside(parts: Parts) -> tuple[Stage, Stage, Parts]:
    """A call with `parts` and, 7 ms after it, an undisturbed one on the same clock."""
    well = rich_parts()
    async with open_clock() as clock, open_stage(parts, clock) as stage:
        await trio.sleep(0.007)
        async with open_stage(well, clock, SECOND_UUID) as second, trio.open_nursery() as callers:
            callers.start_soon(speak_all, stage.asterisk)
            callers.start_soon(speak_all, second.asterisk)
    return stage, second, well


def failed_calls() -> float:
    return float(metrics.calls_total.labels("failed")._value.get())


async def check_failure(parts: Parts, expect_error_log: ExpectErrorLog, apology: bool = True) -> Stage:
    """One failed call, counted and logged once; the apology heard in full, then the hang-up; nothing beside it."""
    before = failed_calls()
    with expect_error_log("call_failed"):
        stage, second, well = await play_beside(parts)
    assert failed_calls() - before == 1
    assert closed(stage).outcome == "failed"
    check_wire(stage)
    check_record(stage)
    check_heard(stage, voice_of(parts), unrecorded=(AGENT.apology,))
    heard = spoken_frames(stage, voice_of(parts))
    assert [part.whole for part in heard if part.text == AGENT.apology] == [True] * apology
    assert not apology or heard[-1].text == AGENT.apology
    assert stage.asterisk.sent[-1].kind == 0x00
    check_call(second, voice_of(well))
    assert closed(second).outcome == "completed"
    assert said(second) == await undisturbed()
    return stage


async def undisturbed() -> list[tuple[str, str, bool]]:
    """What the record of the play says when it is the only call."""
    async with open_stage(rich_parts()) as stage:
        await speak_all(stage.asterisk)
    return said(stage)


@pytest.mark.parametrize("name", FAULTS)
async def test_a_broken_part_ends_one_call_with_an_apology(
    name: str, expect_error_log: ExpectErrorLog, autojump_clock: trio.testing.MockClock
) -> None:
    await check_failure(failing(name), expect_error_log)


@pytest.mark.parametrize("chunks", [0, 1])
async def test_the_voice_breaks_and_the_apology_is_at_hand(
    chunks: int, expect_error_log: ExpectErrorLog, autojump_clock: trio.testing.MockClock
) -> None:
    parts = rich_parts(Delays(chunks=0.1))
    voice_of(parts).breaks["Сейчас посмотрю."] = chunks
    stage = await check_failure(parts, expect_error_log)
    assert (said(stage)[-1][0] == "agent") == (chunks > 0), "what was heard before it broke is recorded"


async def test_an_apology_that_is_not_cached_is_heard_in_full(
    expect_error_log: ExpectErrorLog, autojump_clock: trio.testing.MockClock
) -> None:
    parts = replace(failing("dialog is odd"), voice=StampedVoice(caches=False))
    await check_failure(parts, expect_error_log)


async def test_a_voice_that_never_speaks_ends_the_call_without_a_word(
    expect_error_log: ExpectErrorLog, autojump_clock: trio.testing.MockClock
) -> None:
    voice = StampedVoice(caches=False, breaks={AGENT.greeting: 0, AGENT.apology: 0})
    stage = await check_failure(replace(rich_parts(), voice=voice), expect_error_log, apology=False)
    assert closed(stage).seconds < 1.0


async def test_a_voice_that_breaks_its_contract_breaks_one_call(
    expect_error_log: ExpectErrorLog, autojump_clock: trio.testing.MockClock
) -> None:
    """The apology meets the same odd error: it must not leave the call."""
    voice = StampedVoice(caches=False, breaks={AGENT.greeting: 0, AGENT.apology: 0}, error=RuntimeError("odd"))
    await check_failure(replace(rich_parts(), voice=voice), expect_error_log, apology=False)


async def test_the_caller_does_not_wait_for_the_apology(
    expect_error_log: ExpectErrorLog, autojump_clock: trio.testing.MockClock
) -> None:
    parts = failing("recognizer refuses")
    with expect_error_log("call_failed"):
        async with open_stage(parts) as stage:
            await trio.sleep(1.2)
            stage.asterisk.hang_up()
            hung_up = trio.current_time()
    assert closed(stage).outcome == "failed"
    assert stage.over_at - hung_up <= 2.1
    check_heard(stage, voice_of(parts), unrecorded=(AGENT.apology,))


async def test_a_wire_that_raises_ends_its_call_alone(
    expect_error_log: ExpectErrorLog, autojump_clock: trio.testing.MockClock
) -> None:
    """There is no line left to apologise on."""
    before, parts, well = failed_calls(), rich_parts(), rich_parts()
    with expect_error_log("media_fault"):
        async with (
            open_clock() as clock,
            open_stage(parts, clock) as stage,
            open_stage(well, clock, SECOND_UUID) as second,
            trio.open_nursery() as callers,
        ):
            callers.start_soon(speak_all, second.asterisk)
            await trio.sleep(0.3)
            stage.asterisk.fault = ValueError("odd")
    assert failed_calls() - before == 1
    assert (closed(stage).outcome, closed(stage).detail) == ("failed", "fault")
    check_call(stage, voice_of(parts))
    assert stage.over_at - stage.leg.began <= 0.4
    check_call(second, voice_of(well))
    assert closed(second).outcome == "completed"


async def test_a_fault_while_draining_is_still_a_failure(
    expect_error_log: ExpectErrorLog, autojump_clock: trio.testing.MockClock
) -> None:
    """A part that fails in its clean-up: the error is recorded, the cancellation goes on."""
    parts = replace(rich_parts(), recognizer=BrokenRecognizer(RuntimeError("odd"), after=math.inf, at_close=True))
    with expect_error_log("call_failed"):
        async with open_stage(parts) as stage:
            await trio.sleep(1.0)
            stage.call.cancel("draining")
    check_record(stage)
    check_wire(stage)
    assert closed(stage).outcome == "failed"
    assert stage.call.cancelled_caught
