"""The end-of-turn model in whole calls, in virtual time: it shortens and lengthens pauses; late or failing it is as if
it were not there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from callengine.call.opinions import LATE_SECONDS, LONGEST_PAUSE, SHORTEST_PAUSE
from callengine.errors import TurnEndError
from callengine.ports.turn_end import SaidSoFar
from tests.sim.call import Parts, Stage, open_stage, run_virtual
from tests.sim.checks import said
from tests.sim.echoing import EchoingDialog, answer_to
from tests.sim.plays import AGENT
from tests.sim.stamped import StampedVoice
from tests.sim.told import Told, ToldRecognizer

QUESTION = AGENT.model_copy(update={"greeting": "Добрый день, чем помочь?"})
FRAME = 0.021
NOTICED = 0.3  # behind its end, a pause and its words are known


@dataclass(slots=True)
class Judge:
    """The port's `TurnEnd`: says `seconds` after a while, or fails."""

    seconds: float | None
    after: float = 0.0
    fails: bool = False
    asked: list[SaidSoFar] = field(default_factory=list)

    async def pause(self, said: SaidSoFar) -> float | None:
        self.asked.append(said)
        await trio.sleep(self.after)
        if self.fails:
            raise TurnEndError("fails as it was told to")
        return self.seconds


@asynccontextmanager
async def open_question(judge: Judge | None, told: Sequence[Sequence[Told]]) -> AsyncIterator[Stage]:
    """A call whose caller has been greeted and has just said something, for 0.8 s."""
    parts = replace(
        Parts(),
        recognizer=ToldRecognizer(told),
        voice=StampedVoice(),
        dialog=EchoingDialog(),
        agent=QUESTION,
        turn_end=judge,
    )
    async with open_stage(parts) as stage:
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        await trio.sleep(0.5)
        await stage.asterisk.speak(0.8)
        yield stage


async def answered_after(judge: Judge | None, *told: Told) -> float:
    """Seconds from the caller's last word to the answer's first frame."""
    async with open_question(judge, [told]) as stage:
        ended = trio.current_time()
        seconds = await stage.asterisk.agent_speaks() - ended
        await trio.sleep(3.0)
        stage.asterisk.hang_up()
    assert said(stage)[1:] == [("caller", told[-1].text, False), ("agent", answer_to(told[-1].text), False)]
    return seconds


def opinions(result: str) -> float:
    return REGISTRY.get_sample_value("callengine_turn_end_opinions_total", {"result": result}) or 0.0


WHOLE, MORE = Told(0.1, "есть шины"), Told(0.1, "мне нужны")


async def test_it_is_asked_with_all_that_is_known(autojump_clock: trio.testing.MockClock) -> None:
    judge = Judge(None)
    await answered_after(judge, WHOLE)
    (said_so_far,) = judge.asked
    assert replace(said_so_far, silence_seconds=0.0) == SaidSoFar("есть шины", "ru-RU", QUESTION.greeting)
    assert 0.1 <= said_so_far.silence_seconds <= NOTICED


async def test_it_shortens_and_lengthens_a_pause(autojump_clock: trio.testing.MockClock) -> None:
    given_before = opinions("given")
    assert await answered_after(Judge(0.3), WHOLE) == pytest.approx(0.3, abs=2 * FRAME)
    assert await answered_after(Judge(1.5), WHOLE) == pytest.approx(1.5, abs=2 * FRAME)
    assert await answered_after(Judge(0.4), MORE) == pytest.approx(0.4, abs=2 * FRAME)
    assert opinions("given") - given_before == 3


async def test_no_opinion_and_none_at_all_are_the_table(autojump_clock: trio.testing.MockClock) -> None:
    for told, pause in ((WHOLE, 0.5), (MORE, 1.2)):
        for judge in (None, Judge(None)):
            assert await answered_after(judge, told) == pytest.approx(pause, abs=2 * FRAME)


async def test_late_or_failing_it_is_as_if_it_were_not_there(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    late, failed = opinions("late"), opinions("failed")
    assert await answered_after(Judge(3.0, after=LATE_SECONDS + 0.01), WHOLE) == pytest.approx(0.5, abs=2 * FRAME)
    assert await answered_after(Judge(3.0, after=60.0), WHOLE) == pytest.approx(0.5, abs=2 * FRAME)
    assert await answered_after(Judge(3.0, fails=True), WHOLE) == pytest.approx(0.5, abs=2 * FRAME)
    assert await answered_after(Judge(float("nan")), WHOLE) == pytest.approx(0.5, abs=2 * FRAME)
    assert (opinions("late") - late, opinions("failed") - failed) == (2, 2)


async def test_it_may_not_go_beyond_what_is_sane(autojump_clock: trio.testing.MockClock) -> None:
    assert await answered_after(Judge(-5.0), WHOLE) == pytest.approx(SHORTEST_PAUSE, abs=2 * FRAME)
    assert await answered_after(Judge(1000.0), WHOLE) == pytest.approx(LONGEST_PAUSE, abs=2 * FRAME)


async def test_of_other_words_it_is_asked_anew(autojump_clock: trio.testing.MockClock) -> None:
    """An opinion is about words: what it said of an interim is nothing to the final that has more of them."""
    judge = Judge(0.9)
    await answered_after(judge, Told(0.1, "есть", 0.9), Told(0.3, "есть шины"))
    assert [asked.text for asked in judge.asked] == ["есть", "есть шины"]


async def hold(judge: Judge, gap: float, told: tuple[Told, ...]) -> None:
    async with open_question(judge, [told, (Told(0.2, "на зиму"),)]) as stage:
        await trio.sleep(gap)
        await stage.asterisk.speak(0.6)
        await trio.sleep(8.0)
        stage.asterisk.hang_up()
    words = " ".join(text for role, text, _ in said(stage) if role == "caller")
    assert words.endswith("на зиму"), "a word was lost"
    assert said(stage)[-1][0] == "agent", "the caller was not answered"


@settings(max_examples=30, deadline=None)
@given(
    st.builds(
        Judge,
        st.one_of(st.none(), st.floats(allow_nan=True)),
        st.sampled_from((0.0, 0.05, 0.19, 0.21, 1.0)),
        st.booleans(),
    ),
    st.sampled_from((0.15, 0.33, 0.7, 1.3, 2.5)),
    st.lists(
        st.builds(Told, st.sampled_from((0.0, 0.1, 0.4, 1.0)), st.sampled_from(("есть шины", "шины и")), st.just(0.9)),
        max_size=2,
    ),
)
def test_whatever_it_says_every_word_is_answered(judge: Judge, gap: float, interims: list[Told]) -> None:
    run_virtual(hold, judge, gap, (*interims, Told(0.2, "есть шины")))
