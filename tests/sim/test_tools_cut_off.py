"""The caller goes on, or hangs up, while tools run: reads are cut off, writes are done, and the record says so.

The dialog asks for an order as long as its history has none, so an order that got lost would be placed again."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.dialog.fixed import FixedReply, TimedReply, events_of
from backends.stt.scripted import ScriptedRecognizer
from callengine.call.tool_calls import NO_ANSWER, WRITE_SECONDS
from callengine.ports.journal import ToolRecorded
from callengine.ports.reasoning import CallerSaid, HistoryItem, Reply, ReplyRequest
from callengine.ports.tools import CallerContext, ToolCall, ToolResult, ToolSpec
from tests.sim.call import Parts, Stage, open_stage, run_virtual
from tests.sim.checks import check_call, check_record, check_wire, said, turns
from tests.sim.plays import AGENT
from tests.sim.stamped import StampedVoice

LOOK = ToolSpec("look", "Look it up.", {"type": "object", "properties": {}})
ORDER = ToolSpec("order", "Order it.", {"type": "object", "properties": {}}, writes=True)
TEXTS = ("закажите четыре штуки", "и насос", "спасибо")
LATEST = 14.0


@dataclass
class SlowStore:
    """A toolbox that keeps what was begun and what came to its end; each takes as long as its name is given."""

    seconds: dict[str, float]
    specs: tuple[ToolSpec, ...] = (LOOK, ORDER)
    begun: dict[str, float] = field(default_factory=dict)  # id: when
    ended: dict[str, float] = field(default_factory=dict)

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    async def run(self, call: ToolCall, caller: CallerContext) -> ToolResult:
        assert call.id not in self.begun
        self.begun[call.id] = trio.current_time()
        await trio.sleep(self.seconds[call.name])
        self.ended[call.id] = trio.current_time()
        return answer_of(call)


@dataclass(frozen=True)
class Asked:
    """One question to the dialog: when, with what history, and how the Store's orders stood then."""

    at: float
    history: tuple[HistoryItem, ...]
    begun: frozenset[str]
    ended: frozenset[str]


@dataclass
class OrderingDialog:
    """Looks up and orders at once until its history has an order; then says so. `first`: what it says before."""

    delay: float
    first: str
    store: SlowStore
    asked: list[Asked] = field(default_factory=list)

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        begun, ended = orders(self.store.begun), orders(self.store.ended)
        self.asked.append(Asked(trio.current_time(), request.history, begun, ended))
        number = len(self.asked)
        ordered = any(isinstance(item, ToolCall) and item.name == ORDER.name for item in request.history)
        tools = [ToolCall(f"look-{number}", LOOK.name), ToolCall(f"order-{number}", ORDER.name)]
        reply: FixedReply = "Заказ оформлен, ждём вас завтра." if ordered else [self.first, *tools]
        yield TimedReply(events_of(reply), self.delay, 0.0)


@dataclass(frozen=True)
class Scene:
    """How slow every part is, when the caller speaks, and when they hang up."""

    look: float
    order: float
    dialog: float
    speech: tuple[tuple[float, float], ...]  # at, for how long
    hang_up: float
    first: str = "Оформляю, одну минуту."  # empty: the tools run in silence


@dataclass
class Played:
    """What a scene was played with, and what came of it."""

    stage: Stage
    store: SlowStore
    dialog: OrderingDialog
    voice: StampedVoice

    @property
    def recorded(self) -> list[ToolRecorded]:
        tools = (entry for entry in self.stage.journal.entries if isinstance(entry, ToolRecorded))
        return sorted(tools, key=lambda tool: tool.sequence)


def orders(calls: Iterable[str]) -> frozenset[str]:
    return frozenset(number for number in calls if number.startswith(ORDER.name))


def answer_of(call: ToolCall) -> ToolResult:
    return ToolResult(call.id, json.dumps({"done": call.id}))


async def play(scene: Scene) -> Played:
    store = SlowStore({LOOK.name: scene.look, ORDER.name: scene.order})
    dialog, voice = OrderingDialog(scene.dialog, scene.first, store), StampedVoice(first_delay_seconds=0.05)
    recognizer = ScriptedRecognizer(TEXTS, final_delay_seconds=0.1, interim_every_seconds=0.2)
    parts = Parts(recognizer=recognizer, voice=voice, dialog=dialog, toolbox=store, agent=AGENT)
    async with open_stage(parts) as stage, trio.open_nursery() as caller:
        caller.start_soon(speak, stage, scene)
        with trio.move_on_after(scene.hang_up):
            await stage.ended.wait()
        caller.cancel_scope.cancel("the caller is gone")
        stage.asterisk.hang_up()
    return Played(stage, store, dialog, voice)


async def speak(stage: Stage, scene: Scene) -> None:
    began = trio.current_time()
    for at, seconds in scene.speech:
        await trio.sleep_until(began + at)
        stage.asterisk.talk(seconds)


def check_tools(played: Played) -> None:
    """Each tool that the Store was asked is in the record once, as it ended; a write always to its end."""
    store, recorded = played.store, played.recorded
    results = [tool.result for tool in recorded if not tool.is_error]
    assert sorted(results) == sorted(answer_of(ToolCall(number, "")).content for number in store.ended)
    unsent = [tool for tool in recorded if tool.is_error]
    assert len(recorded) >= len(store.begun) and len(unsent) == len(recorded) - len(store.ended)
    assert orders(store.begun) == orders(store.ended)
    for tool in unsent:
        assert tool.result == '{"error": "cut off"}'
        assert tool.seconds <= played.store.seconds[tool.name]


def check_histories(played: Played) -> None:
    """No question to the dialog while an order is on its way; afterwards each question has it, call beside result."""
    for asked in played.dialog.asked:
        assert asked.begun == asked.ended, "asked while an order is on its way"
        for number in asked.ended:
            order = ToolCall(number, ORDER.name)
            assert (order, answer_of(order)) in pairwise(asked.history)
        calls = [item.id for item in asked.history if isinstance(item, ToolCall)]
        assert calls == [item.id for item in asked.history if isinstance(item, ToolResult)]
        assert len(set(calls)) == len(calls)
    assert len(orders(played.store.begun)) <= 1, "ordered twice"


async def check_scene(scene: Scene) -> None:
    played = await play(scene)
    check_call(played.stage, played.voice)
    check_tools(played)
    check_histories(played)


moments = st.integers(0, int(LATEST / 0.005)).map(lambda tick: tick * 0.005)
slow = st.floats(0.0, 4.0)
scenes = st.builds(
    Scene,
    look=slow,
    order=slow,
    dialog=st.floats(0.0, 0.5),
    speech=st.lists(st.tuples(moments, st.floats(0.1, 1.5)), min_size=1, max_size=5).map(
        lambda speech: tuple(sorted(speech))
    ),
    hang_up=moments,
    first=st.sampled_from(("Оформляю, одну минуту.", "")),
)


@settings(max_examples=80, deadline=None)
@given(scenes)
def test_the_caller_speaks_and_hangs_up_at_any_moment(scene: Scene) -> None:
    run_virtual(check_scene, scene)


ORDERING = Scene(look=3.0, order=1.5, dialog=0.1, speech=((1.5, 0.5),), hang_up=60.0)


async def first_order(scene: Scene) -> float:
    """When the Store is asked, if nobody disturbs."""
    played = await play(replace(scene, hang_up=10.0))
    assert [(tool.name, tool.is_error) for tool in played.recorded] == [(LOOK.name, False), (ORDER.name, False)]
    return played.store.begun["order-1"] - played.stage.leg.began


async def test_a_hang_up_while_tools_run_waits_for_the_write_and_not_for_the_read(
    autojump_clock: trio.testing.MockClock,
) -> None:
    hang_up = await first_order(ORDERING) + 0.5
    played = await play(replace(ORDERING, hang_up=hang_up))
    check_call(played.stage, played.voice)
    look, order = played.recorded
    assert (look.name, look.result, look.is_error) == (LOOK.name, '{"error": "cut off"}', True)
    assert look.seconds == pytest.approx(0.5, abs=0.05)
    assert (order.name, order.result, order.is_error) == (ORDER.name, '{"done": "order-1"}', False)
    assert order.seconds == pytest.approx(1.5)
    assert played.stage.over_at - played.stage.leg.began == pytest.approx(hang_up + 1.0, abs=0.05)
    agent = turns(played.stage)[-1]
    assert (agent.text, agent.interrupted) == ("Оформляю, одну минуту.", True)
    assert agent.ended <= hang_up, "the write is waited for; the agent's turn ended before"


@pytest.mark.parametrize(
    ("first", "spoken", "look"),
    [
        ("Оформляю, одну минуту.", 0.3, 3.0),  # over the agent
        ("Оформляю, одну минуту.", 2.0, 3.0),  # when it has said all
        ("", 0.3, 3.0),  # the order is still on its way when the turn is taken back
        ("", 4.5, 5.0),  # it is done, and what was to be looked up with it is not
        ("", 4.5, 1.0),  # all is done, and the dialog thinks
    ],
    ids=["over the agent", "after the agent", "order under way", "order done", "all done"],
)
async def test_a_caller_who_goes_on_during_an_order_hears_that_it_is_made(
    autojump_clock: trio.testing.MockClock, first: str, spoken: float, look: float
) -> None:
    scene = replace(ORDERING, look=look, order=4.0, dialog=0.8, first=first)
    at = await first_order(scene) + spoken
    played = await play(replace(scene, speech=(*scene.speech, (at, 0.6)), hang_up=16.0))
    check_call(played.stage, played.voice)
    check_tools(played)
    check_histories(played)
    assert played.dialog.asked[0].history[-1] == CallerSaid(TEXTS[0])
    last = played.dialog.asked[-1]
    assert last.at >= played.store.ended["order-1"]
    assert [item.name for item in last.history if isinstance(item, ToolCall)] == [ORDER.name]
    whole = any(isinstance(item, CallerSaid) and TEXTS[1] in item.text for item in last.history)
    assert whole, "what the caller added was heard"
    assert ("agent", "Заказ оформлен, ждём вас завтра.", False) in said(played.stage)


async def test_a_write_without_an_answer_holds_nobody_for_ever(autojump_clock: trio.testing.MockClock) -> None:
    played = await play(replace(ORDERING, look=1.0, order=600.0, hang_up=4.0))
    check_wire(played.stage)
    check_record(played.stage)
    order = played.recorded[-1]
    assert (order.name, order.result, order.is_error) == (ORDER.name, NO_ANSWER, True)
    assert order.seconds == pytest.approx(WRITE_SECONDS)
