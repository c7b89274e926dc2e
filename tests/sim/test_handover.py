"""A person takes over, now or later: who is put through, what the person is told, who is called back. Virtual time."""

from collections.abc import Sequence

import pytest
import trio
import trio.testing

from backends.dialog.fixed import FixedReply, ScriptedDialog
from callengine.agent import AgentProfile, TransferTargets
from callengine.errors import ReasoningError
from callengine.hours import Hours
from callengine.ports.journal import CallbackRequested, ToolRecorded
from callengine.ports.reasoning import CALL_BACK, END_CALL, REPEAT, TRANSFER
from callengine.ports.tools import CallerContext, ToolCall
from tests.conftest import ExpectErrorLog
from tests.sim.asterisk import FIRST_UUID, SimulatedAsterisk
from tests.sim.call import Parts, Stage, open_stage
from tests.sim.checks import check_record, closed, said, turns
from tests.sim.engine import Line, ScriptedControl, open_play
from tests.sim.plays import AGENT

NUMBER = "+79031234567"
CALLER = CallerContext(str(FIRST_UUID), "", NUMBER, "Анна", "100", "PJSIP/7-01")
NEVER = Hours(zone="Europe/Moscow")
OPEN = AGENT.model_copy(
    update={
        "transfer": TransferTargets.model_validate(
            {
                "targets": {"operator": {}, "boss": {"announce": True}},
                "default": "operator",
                "on_zero": "operator",
                "on_failure": "boss",
            }
        ),
        "failing": "Неполадка, соединяю.",
        "closed": "Сейчас никого нет.",
        "will_call_back": "Мы вам перезвоним.",
    }
)
CLOSED = OPEN.model_copy(update={"hours": NEVER})
PROMISED = OPEN.absence(promised=True)
PLAIN = "Звонит Анна. Клиент сказал: есть зимние шины?"


def transfer(**arguments: str) -> FixedReply:
    return [ToolCall("t", TRANSFER.name, arguments)]


def call_back(**arguments: str) -> ToolCall:
    return ToolCall("c", CALL_BACK.name, arguments)


async def talk(
    agent: AgentProfile, *replies: FixedReply, times: int = 1, press: str = "", caller: CallerContext | None = CALLER
) -> Stage:
    """The caller says `times` something, then presses keys; the agent answers with these replies, and then hangs up."""
    parts = Parts(dialog=ScriptedDialog(replies), agent=agent, control=ScriptedControl(found=caller))
    async with open_stage(parts) as stage:
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        for _ in range(times):
            await stage.asterisk.speak(0.8)
            await trio.sleep(6.0)
        for key in press:
            stage.asterisk.press(key)
            await trio.sleep(6.0)
        stage.asterisk.hang_up()
    check_record(stage)
    return stage


def callbacks(stage: Stage) -> Sequence[CallbackRequested]:
    return [entry for entry in stage.journal.entries if isinstance(entry, CallbackRequested)]


def results(stage: Stage) -> list[tuple[str, bool]]:
    return [(entry.name, entry.is_error) for entry in stage.journal.entries if isinstance(entry, ToolRecorded)]


def words(stage: Stage) -> list[str]:
    return [text for role, text, _ in said(stage) if role == "agent"]


async def test_the_models_summary_is_in_the_record(autojump_clock: trio.testing.MockClock) -> None:
    stage = await talk(OPEN, transfer(target="boss", summary="Анна ищет  зимние\nшины."))
    assert (closed(stage).outcome, closed(stage).target) == ("transferred", "boss")
    assert closed(stage).summary == "Анна ищет зимние шины."
    assert words(stage)[-1] == OPEN.transferring


@pytest.mark.parametrize("summary", ["", "   "])
async def test_a_model_that_sums_nothing_up(autojump_clock: trio.testing.MockClock, summary: str) -> None:
    stage = await talk(OPEN, transfer(summary=summary))
    assert (closed(stage).target, closed(stage).summary) == ("operator", PLAIN)


async def test_zero_has_a_plain_summary(autojump_clock: trio.testing.MockClock) -> None:
    stage = await talk(OPEN, "Да, есть.", press="0")
    assert (closed(stage).outcome, closed(stage).target, closed(stage).summary) == ("transferred", "operator", PLAIN)


async def test_who_has_said_nothing_is_summed_up_honestly(autojump_clock: trio.testing.MockClock) -> None:
    stage = await talk(OPEN, "Да, есть.", times=0, press="0", caller=None)
    assert closed(stage).summary == "Клиент ещё ничего не сказал."


async def test_outside_hours_zero_is_a_promise_and_the_call_goes_on(autojump_clock: trio.testing.MockClock) -> None:
    stage = await talk(CLOSED, "Да, есть.", press="00")
    assert closed(stage).outcome == "completed"
    (wish,) = callbacks(stage)
    assert (wish.number, wish.name, wish.about, wish.when) == (NUMBER, "Анна", PLAIN, "")
    assert words(stage)[-2:] == [PROMISED, PROMISED]


async def test_without_a_number_nothing_is_promised(autojump_clock: trio.testing.MockClock) -> None:
    stage = await talk(CLOSED, "Да, есть.", press="0", caller=None)
    assert words(stage)[-1] == CLOSED.closed
    assert callbacks(stage) == []


async def test_outside_hours_the_model_is_told_why(autojump_clock: trio.testing.MockClock) -> None:
    replies = (transfer(summary="Шины."), "Записать звонок?", [call_back(about="Шины", when="утром")], "Записала.")
    stage = await talk(CLOSED, *replies, times=2)
    assert results(stage) == [(TRANSFER.name, True), (CALL_BACK.name, False)]
    (refused, noted) = (entry.result for entry in stage.journal.entries if isinstance(entry, ToolRecorded))
    assert CLOSED.closed in refused
    assert NUMBER in noted
    (wish,) = callbacks(stage)
    assert (wish.number, wish.about, wish.when) == (NUMBER, "Шины", "утром")
    assert words(stage)[1:] == ["Записать звонок?", "Записала."]
    assert (closed(stage).outcome, closed(stage).summary) == ("completed", "")


async def test_an_order_is_a_persons_and_obeyed_at_any_hour(autojump_clock: trio.testing.MockClock) -> None:
    line = Line(SimulatedAsterisk())
    async with open_play(Parts(agent=CLOSED, control=ScriptedControl(found=CALLER)), line) as play:
        await play.asterisk.agent_speaks()
        assert play.engine.transfer(FIRST_UUID, "operator") == "ordered"
    assert line.word == "transfer:operator"
    record = await play.journal.call(str(FIRST_UUID))
    assert record is not None
    assert record.closed is not None
    assert record.closed.summary == "Звонит Анна. Клиент ещё ничего не сказал."


async def test_a_number_that_was_said_and_one_that_is_none(autojump_clock: trio.testing.MockClock) -> None:
    said_one = [call_back(about="Шины", number="8 (495) 123-45-67", name="Пётр")]
    stage = await talk(
        OPEN, [call_back(about="Шины", number="мой мобильный")], "Какой номер?", said_one, "Да.", times=2
    )
    assert results(stage) == [(CALL_BACK.name, True), (CALL_BACK.name, False)]
    assert [(wish.number, wish.name) for wish in callbacks(stage)] == [("8 (495) 123-45-67", "Пётр")]


async def test_without_any_number_the_model_has_to_ask(autojump_clock: trio.testing.MockClock) -> None:
    ending = [call_back(about="Шины"), ToolCall("e", END_CALL.name)]
    stage = await talk(OPEN, ending, "На какой номер?", caller=None)
    assert results(stage) == [(CALL_BACK.name, True)]
    assert words(stage)[-1] == "На какой номер?", "the call did not end upon it"
    assert callbacks(stage) == []


async def test_a_request_and_goodbye_in_one_breath(autojump_clock: trio.testing.MockClock) -> None:
    stage = await talk(OPEN, ["Записала.", call_back(about="Шины"), ToolCall("e", END_CALL.name)])
    assert [wish.about for wish in callbacks(stage)] == ["Шины"]
    assert stage.ending is not None
    assert stage.ending.detail == "", "the agent ended it"


async def test_the_same_request_twice_is_one(autojump_clock: trio.testing.MockClock) -> None:
    stage = await talk(OPEN, [call_back(about="Шины")], "Записала.", [call_back(about="Шины")], "Уже есть.", times=2)
    assert len(callbacks(stage)) == 1
    assert results(stage) == [(CALL_BACK.name, False)] * 2


async def test_the_last_turn_again_and_slower(autojump_clock: trio.testing.MockClock) -> None:
    stage = await talk(OPEN, "Зимние шины есть. Они по пять тысяч.", [ToolCall("r", REPEAT.name)], times=2)
    first, again = [turn.ended - turn.started for turn in turns(stage) if "тысяч" in turn.text]
    assert again == pytest.approx(first / 0.75, abs=0.1)


async def test_nothing_said_yet_is_the_greeting(autojump_clock: trio.testing.MockClock) -> None:
    stage = await talk(OPEN, [ToolCall("r", REPEAT.name)])
    assert words(stage) == [OPEN.greeting, OPEN.greeting]


async def test_an_agent_without_targets_puts_nobody_through(autojump_clock: trio.testing.MockClock) -> None:
    stage = await talk(AGENT, transfer(summary="Шины."), "Не с кем.")
    assert results(stage) == [(TRANSFER.name, True)]
    assert words(stage)[-1] == "Не с кем."
    assert closed(stage).outcome == "completed"


FAILS = ReasoningError("Claude is away", retryable=False)


async def fail(agent: AgentProfile, caller: CallerContext | None = CALLER) -> tuple[Line, Stage]:
    """A dialog that fails at its first answer."""
    line = Line(SimulatedAsterisk())
    parts = Parts(dialog=ScriptedDialog((["Сейчас.", FAILS],)), agent=agent, control=ScriptedControl(found=caller))
    async with open_play(parts, line) as play:
        await play.asterisk.agent_speaks()
        await play.asterisk.agent_silent()
        await play.asterisk.speak(0.8)
        await play.over.wait()
    return line, Stage(play.asterisk, play.leg, play.journal)


async def test_a_failing_dialog_is_followed_by_a_person(
    autojump_clock: trio.testing.MockClock, expect_error_log: ExpectErrorLog
) -> None:
    with expect_error_log("dialog_failed"):
        line, stage = await fail(OPEN)
    assert line.word == "transfer:boss"
    assert words(stage)[-1] == OPEN.failing
    assert (closed(stage).outcome, closed(stage).detail) == ("transferred", "the dialog failed")
    assert closed(stage).summary == PLAIN


async def test_a_failing_dialog_outside_hours_promises_a_call_back(
    autojump_clock: trio.testing.MockClock, expect_error_log: ExpectErrorLog
) -> None:
    with expect_error_log("dialog_failed"):
        line, stage = await fail(CLOSED)
    assert line.word == "hangup"
    assert words(stage)[-1] == PROMISED
    assert closed(stage).outcome == "failed"
    assert [wish.number for wish in callbacks(stage)] == [NUMBER]


@pytest.mark.parametrize(("agent", "caller"), [(CLOSED, None), (AGENT, CALLER)])
async def test_with_nobody_to_call_or_to_go_to_the_caller_hears_an_apology(
    autojump_clock: trio.testing.MockClock,
    expect_error_log: ExpectErrorLog,
    agent: AgentProfile,
    caller: CallerContext | None,
) -> None:
    with expect_error_log("call_failed"):
        line, stage = await fail(agent, caller)
    assert line.word == "apologised"
    assert callbacks(stage) == []
