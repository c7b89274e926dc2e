"""Speculative start over real HTTP, by the real SDK: what is discarded is closed on the wire, nothing asked twice."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
import trio

from callengine.call.ahead import Ahead
from callengine.call.turn_events import CallerBegan, CallerPaused, Event, State
from callengine.call.turn_table import feed
from callengine.call.turns import Turns
from callengine.ports.reasoning import (
    AgentSaid,
    CallerSaid,
    HistoryItem,
    ReplyEvent,
    ReplyRequest,
    TextDelta,
    Usage,
)
from callengine.ports.tools import ToolCall
from tests.claude_dialog import asks, opened
from tests.messages_api import Act, MessagesApi, Tool, open_messages_api
from tests.messages_api.cache import blocks_of
from tests.unit.call.talk import interim

pytestmark = pytest.mark.integration

SLOW = Act("One two", fault="stall")


@dataclass
class Turn:
    """A caller's turn played by hand, and a call's dialog that looks on."""

    ahead: Ahead
    nursery: trio.Nursery
    history: list[HistoryItem]
    turns: Turns = field(default_factory=Turns)
    spent: list[Usage] = field(default_factory=list)
    told: trio.Event = field(default_factory=trio.Event)  # of a cost

    def happens(self, now: float, event: Event) -> None:
        feed(self.turns, event, now)
        self.ahead.look(self.nursery, self.turns, self.request_for)

    def pauses(self, *interims: str) -> None:
        """The caller spoke from 1 to 2; the pause runs."""
        self.happens(1.1, CallerBegan(1.0))
        self.happens(2.1, CallerPaused(2.0))
        for text in interims:
            self.happens(2.2, interim(text, 1.0, 2.0))

    def request_for(self, text: str) -> ReplyRequest:
        return self.asks(*self.history, CallerSaid(text))

    def asks(self, *history: HistoryItem) -> ReplyRequest:
        return replace(asks(*history), spent=self.note)

    def note(self, usage: Usage) -> None:
        self.spent.append(usage)
        self.told.set()

    async def answer(self, text: str) -> list[ReplyEvent]:
        """The turn has ended with these words; gives the reply."""
        events: list[ReplyEvent] = []
        self.turns.state = State.THINKING
        self.ahead.look(self.nursery, self.turns, self.request_for)
        self.history.append(CallerSaid(self.ahead.as_sent(text)))
        async with self.ahead.open_reply(self.asks(*self.history)) as reply:
            while (event := await reply.receive()) is not None:
                events.append(event)
        return events


@asynccontextmanager
async def open_turn(*acts: Act) -> AsyncIterator[tuple[MessagesApi, Callable[[], Turn]]]:
    history: list[HistoryItem] = [AgentSaid("Hello!")]
    async with open_messages_api(acts) as api, opened(api) as dialog, trio.open_nursery() as nursery:
        ahead = Ahead(dialog, True)
        yield api, lambda: Turn(ahead, nursery, history)
        ahead.drop()


def text_of(events: list[ReplyEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_who_goes_on_closes_the_request() -> None:
    async with open_turn(SLOW, Act("Good.")) as (api, new_turn):
        turn = new_turn()
        turn.pauses("have you tyres")
        await api.wait_received(1)
        turn.happens(2.3, CallerBegan(2.25))
        await api.wait_left(1)
        assert text_of(await turn.answer("Have you tyres for winter?")) == "Good."
        assert [received.json["messages"][-1]["content"][-1]["text"] for received in api.received] == [
            "have you tyres",
            "Have you tyres for winter?",
        ]


async def test_another_interim_closes_the_one_and_begins_the_other() -> None:
    async with open_turn(SLOW, Act("Good.")) as (api, new_turn):
        turn = new_turn()
        turn.pauses("have you tires")
        await api.wait_received(1)
        turn.happens(2.3, interim("have you tyres", 1.0, 2.0))
        await api.wait_left(1)
        assert text_of(await turn.answer("Have you tyres?")) == "Good."
        assert len(api.received) == 2


async def test_a_final_of_other_words_closes_the_request() -> None:
    async with open_turn(SLOW, Act("Good.")) as (api, new_turn):
        turn = new_turn()
        turn.pauses("have you tyres")
        await api.wait_received(1)
        assert text_of(await turn.answer("Have you fires?")) == "Good."
        await api.wait_left(1)
        assert len(api.received) == 2


async def test_a_reply_that_serves_is_asked_for_once() -> None:
    async with open_turn(Act("One two three.", silent_for=0.05)) as (api, new_turn):
        turn = new_turn()
        turn.pauses("have you tyres")
        await api.wait_received(1)
        events = await turn.answer("Have you tyres?")
        assert text_of(events) == "One two three."
        assert len(turn.spent) == 2
        assert len(api.received) == 1


async def test_leaving_a_reply_that_was_begun_ahead_closes_its_request() -> None:
    async with open_turn(SLOW) as (api, new_turn):
        turn = new_turn()
        turn.pauses("have you tyres")
        async with turn.ahead.open_reply(turn.request_for("Have you tyres?")) as reply:
            while await reply.receive() != TextDelta("two"):
                pass
        await api.wait_left(1)
        assert len(api.received) == 1


async def test_tool_calls_wait_for_the_answer() -> None:
    async with open_turn(Act("Let me see.", (Tool("find", {"size": "R16"}),))) as (api, new_turn):
        turn = new_turn()
        turn.pauses("have you tyres")
        await api.wait_received(1)
        *_, call = await turn.answer("have you tyres")
        assert isinstance(call, ToolCall)
        assert len(api.received) == 1


async def test_the_cost_of_a_discarded_reply_is_counted() -> None:
    """The input, that is: of the output the API tells at its end."""
    async with open_turn(SLOW, Act("Good.")) as (api, new_turn):
        turn = new_turn()
        turn.pauses("have you tyres")
        await turn.told.wait()
        turn.happens(2.3, CallerBegan(2.25))
        await api.wait_left(1)
        (usage,) = turn.spent
        assert usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens > 0


async def test_the_prefix_is_the_same_bytes_and_the_cache_is_read() -> None:
    """Begun ahead and taken, all is sent again as it was, with the caller's words, whose final has other signs; of what
    was discarded, all but them. The cache is read from the second turn on."""
    async with open_turn(Act("Here.")) as (api, new_turn):
        for number, goods in enumerate(("tyres", "rims", "bolts", "chains")):
            turn = new_turn()
            turn.pauses(f"have you {goods}")
            await api.wait_received(len(api.received) + 1)
            await turn.answer(f"Have you {goods}{' or not' if number % 2 else ''}?")
            cached = sum(usage.cache_read_tokens for usage in turn.spent)
            assert cached > 0 or number == 0
            turn.history.append(AgentSaid("Here."))
        prompts = [[text for text, _ in blocks_of(received.json)] for received in api.received]
    assert len(prompts) == 6
    for at, (one, other) in enumerate(pairwise(prompts)):
        kept = len(one) - (at in (1, 4))  # the discarded ones
        assert other[:kept] == one[:kept]
