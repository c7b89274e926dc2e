"""A call that loses its line goes on at another engine, where it was: nothing greeted, forgotten or written twice.

Two engines share one registry and one record, as nodes do."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest
import trio
import trio.testing

from backends.dialog.fixed import FixedReply, ScriptedDialog
from backends.stt.scripted import ScriptedRecognizer
from callengine.ports.journal import CallClosed, CallOpened, ToolRecorded, TurnRecorded
from callengine.ports.reasoning import END_CALL, AgentSaid, CallerSaid, HistoryItem, Reply, ReplyRequest
from callengine.ports.tools import CallerContext, ToolCall, ToolResult, ToolSpec
from callengine.services.scripted_tools import ScriptedToolbox
from tests.sim.asterisk import FIRST_UUID, SimulatedAsterisk
from tests.sim.call import Parts
from tests.sim.engine import Line, Play, State, open_play
from tests.sim.plays import AGENT

BACK = "Простите, связь прервалась. Продолжим."
PATIENT = AGENT.model_copy(update={"back_again": BACK})
ANNA = CallerContext(str(FIRST_UUID), "ru", "+79031234567", "Анна")
ORDER = ToolSpec("order", "Order it.", {"type": "object", "properties": {}}, writes=True)
ORDERED = (ToolCall("1", "order"), ToolResult("1", '{"number": 7}'))
REPLIES: tuple[FixedReply, ...] = (
    "Да, есть зимние шины.",
    ["Оформляю.", ToolCall("1", "order")],
    "Заказ номер семь.",
    ["До свидания.", ToolCall("2", END_CALL.name)],
)


@dataclass
class Noting:
    """A scripted dialog that notes the histories that it is asked with."""

    inner: ScriptedDialog
    asked: list[tuple[HistoryItem, ...]] = field(default_factory=list)

    async def check(self) -> None:
        await self.inner.check()

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        self.asked.append(request.history)
        async with self.inner.open_reply(request) as reply:
            yield reply


def parts_saying(*texts: str, thinking: float = 0.1) -> tuple[Parts, Noting]:
    """A node whose caller says these; the dialog goes on wherever the history is."""
    dialog = Noting(ScriptedDialog(REPLIES, first_delay_seconds=thinking))
    toolbox = ScriptedToolbox((ORDER,), {"order": {"number": 7}}, delay_seconds=0.1)
    return Parts(recognizer=ScriptedRecognizer(texts), dialog=dialog, agent=PATIENT, toolbox=toolbox), dialog


async def heard_out(play: Play) -> None:
    await play.asterisk.agent_speaks()
    await play.asterisk.agent_silent()
    await trio.sleep(0.5)


async def say(play: Play) -> None:
    await play.asterisk.speak(0.8)
    await heard_out(play)


def recorded(state: State) -> Sequence[tuple[str, str]]:
    turns = [entry for entry in state.journal.entries if isinstance(entry, TurnRecorded)]
    assert len({turn.sequence for turn in turns}) == len(turns)
    return [(turn.role, turn.text) for turn in sorted(turns, key=lambda turn: turn.sequence)]


def closings(state: State) -> Sequence[CallClosed]:
    return [entry for entry in state.journal.entries if isinstance(entry, CallClosed)]


async def order_tyres(state: State) -> None:
    """A call whose line is lost behind the order."""
    first, _ = parts_saying("есть зимние шины?", "закажите")
    async with open_play(first, Line(SimulatedAsterisk()), state=state) as play:
        await heard_out(play)
        await say(play)
        await say(play)
        play.asterisk.hang_up()
    assert await play.engine.outcome(FIRST_UUID) == "retry"


async def test_a_call_goes_on_where_its_line_was_lost(autojump_clock: trio.testing.MockClock) -> None:
    state = State()
    await state.registry.put_caller(ANNA)
    await order_tyres(state)
    second, dialog = parts_saying("спасибо")
    async with open_play(second, Line(SimulatedAsterisk()), state=state) as play:
        await heard_out(play)
        await play.asterisk.speak(0.8)
    assert dialog.asked[0] == (
        AgentSaid(AGENT.greeting),
        CallerSaid("есть зимние шины?"),
        AgentSaid("Да, есть зимние шины."),
        CallerSaid("закажите"),
        *ORDERED,
        AgentSaid("Оформляю. Заказ номер семь."),
        AgentSaid(BACK),
        CallerSaid("спасибо"),
    )
    assert recorded(state) == [
        ("agent", AGENT.greeting),
        ("caller", "есть зимние шины?"),
        ("agent", "Да, есть зимние шины."),
        ("caller", "закажите"),
        ("agent", "Оформляю. Заказ номер семь."),
        ("agent", BACK),
        ("caller", "спасибо"),
        ("agent", "До свидания."),
    ]
    kinds = [type(entry) for entry in state.journal.entries]
    assert (kinds.count(CallOpened), kinds.count(ToolRecorded)) == (1, 1)
    record = await state.journal.call(str(FIRST_UUID))
    assert record is not None
    assert record.closed is not None
    assert (record.opened.number, record.closed.outcome) == (ANNA.number, "completed")


async def test_who_calls_is_known_where_the_dialplan_does_not_say_it_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    state = State()
    await state.registry.put_caller(ANNA)
    async with open_play(parts_saying()[0], Line(SimulatedAsterisk()), state=state) as play:
        await heard_out(play)
        play.asterisk.hang_up()
    async with open_play(parts_saying()[0], Line(SimulatedAsterisk()), state=state) as play:
        await heard_out(play)
        assert play.engine._up[FIRST_UUID].call.caller == replace(ANNA, language=PATIENT.language)
        play.asterisk.hang_up()


async def test_what_was_not_answered_yet_is_answered_without_being_asked_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    state = State()
    first, _ = parts_saying("есть зимние шины?", thinking=30.0)
    async with open_play(first, Line(SimulatedAsterisk()), state=state) as play:
        await heard_out(play)
        await play.asterisk.speak(0.8)
        await trio.sleep(2.0)
        play.asterisk.hang_up()
    second, dialog = parts_saying()
    async with open_play(second, Line(SimulatedAsterisk()), state=state) as play:
        began = trio.current_time()
        assert await play.asterisk.agent_speaks() - began <= 0.1
        await play.asterisk.agent_silent()
        await trio.sleep(3.0)
        play.asterisk.hang_up()
    assert dialog.asked == [(AgentSaid(AGENT.greeting), CallerSaid("есть зимние шины?"))]
    assert recorded(state) == [
        ("agent", AGENT.greeting),
        ("caller", "есть зимние шины?"),
        ("agent", f"{BACK} Да, есть зимние шины."),
    ]


async def test_a_node_that_has_lost_its_call_lets_go_without_a_word(autojump_clock: trio.testing.MockClock) -> None:
    state, line = State(), Line(SimulatedAsterisk())
    stopped = Line(SimulatedAsterisk())
    async with open_play(parts_saying("есть шины?")[0], stopped, state=state) as before:
        await heard_out(before)
        async with open_play(parts_saying("шины", "да", "спасибо")[0], line, state=state) as after:
            await heard_out(after)
            await before.over.wait()
            assert stopped.hung_up_at is not None
            assert closings(state) == [], "the end is the other node's to record"
            for _ in range(2):
                await say(after)
            await after.asterisk.speak(0.8)
    (end,) = closings(state)
    assert (end.outcome, line.word) == ("completed", "hangup")
    # whichever of them the dialplan asks
    assert await before.engine.outcome(FIRST_UUID) == await after.engine.outcome(FIRST_UUID) == "hangup"


@pytest.mark.parametrize("ending", ["the agent", "the API"])
async def test_a_call_that_ended_does_not_go_on(autojump_clock: trio.testing.MockClock, ending: str) -> None:
    state, goodbye = State(), ScriptedDialog((["Всего доброго.", ToolCall("1", END_CALL.name)],))
    async with open_play(Parts(dialog=goodbye, agent=PATIENT), Line(SimulatedAsterisk()), state=state) as play:
        await heard_out(play)
        if ending == "the API":
            assert await play.engine.hang_up(FIRST_UUID) == "closed"
        else:
            await play.asterisk.speak(0.8)
    async with open_play(Parts(agent=PATIENT), Line(SimulatedAsterisk()), state=state) as play:
        await heard_out(play)
        assert play.engine._up[FIRST_UUID].call.resumed is None
        play.asterisk.hang_up()


async def test_the_time_and_the_cost_of_a_call_go_on(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State()
    async with open_play(parts_saying("есть шины?")[0], Line(SimulatedAsterisk()), state=state) as play:
        await heard_out(play)
        await say(play)
        call = play.engine._up[FIRST_UUID].call
        play.asterisk.hang_up()
    used = call.meter.total
    async with open_play(parts_saying()[0], Line(SimulatedAsterisk()), state=state) as play:
        await heard_out(play)
        again = play.engine._up[FIRST_UUID].call
        assert again.opened_at == call.opened_at
        assert again.opened <= again.leg.began
        play.asterisk.hang_up()
    seconds = {line.product: line.seconds for line in closings(state)[-1].used or ()}
    assert used
    assert all(seconds[line.product] >= line.seconds for line in used)


async def test_another_nodes_outcome_is_not_waited_for_long(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(_call_id: str) -> str:
        await trio.sleep(60)
        return "hangup"

    state = State()
    monkeypatch.setattr(state.registry, "outcome", slow)
    async with open_play(Parts(), Line(SimulatedAsterisk()), state=state) as play:
        await heard_out(play)
        asked = trio.current_time()
        assert await play.engine.outcome(UUID(int=77)) == "retry"
        assert trio.current_time() - asked <= 0.31
        play.asterisk.hang_up()
