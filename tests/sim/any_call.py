"""Calls drawn at random: a caller who does anything, parts that are as slow or broken as can be, a Store that fails.

The dialog asks for the same order again and again, as a model does whose answer the caller cut off."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

import httpx
import trio
from hypothesis import strategies as st

from backends.dialog.fixed import FixedReply, TimedReply, events_of
from backends.stt.scripted import LIMITS, ScriptedRecognizer
from callengine.agent import AgentProfile, load_agent
from callengine.errors import ReasoningError
from callengine.ports.reasoning import END_CALL, TRANSFER, Delayed, Reply, ReplyRequest
from callengine.ports.recognition import RecognizerStream, StreamLimits, StreamSpec
from callengine.ports.tools import ToolCall, ToolResult
from tests.shop import open_shop_by
from tests.sim.call import Parts, Stage
from tests.sim.plays import AGENT
from tests.sim.stamped import StampedVoice
from tests.sim.test_store_writes import ITEMS, PLAYS, Shop

FILLERS = ("Секунду, смотрю.", "Ещё немного терпения.")
PHRASES = {"fillers": FILLERS, "one_moment": "Одну минуту.", "say_again": "Простите, повторите."}
Does = Literal["says", "murmurs", "coughs", "presses"]
ORDER = {"items": ITEMS, "branch_id": "north", "phone": "+79995550000"}
TEXTS = {"says": "есть зимние шины?", "murmurs": "угу", "coughs": ""}

Word = Literal[
    "short", "long", "look", "order", "look and order", "delayed", "end", "transfer", "fault", "nothing", "looks"
]


@dataclass(frozen=True)
class Deed:
    """Something the caller does, so many seconds after what they did before was over."""

    wait: float
    does: Does
    seconds: float = 0.0


@dataclass(frozen=True)
class AnyCall:
    """A call. `stays`: how long the caller waits behind the last deed; None: until the agent ends it."""

    deeds: tuple[Deed, ...]
    stays: float | None
    words: tuple[Word, ...]
    first_delay: float
    word_delay: float
    final_delay: float
    interims: float
    breaks_after: float | None
    voice_delay: float
    read_seconds: float
    store: tuple[str, ...]


_ASKS_ON = {
    "look",
    "order",
    "look and order",
    "looks",
    "transfer",
}  # the agent of these calls has nobody to transfer to
_SECONDS = st.floats(0.0, 5.0).map(lambda seconds: round(seconds, 2))


def deeds() -> st.SearchStrategy[Deed]:
    """Speech of a murmur's length, of a cough's, of a question's; keys."""
    return st.one_of(
        st.builds(Deed, _SECONDS, st.just("says"), st.sampled_from((0.6, 1.0, 2.5))),
        st.builds(Deed, _SECONDS, st.just("murmurs"), st.sampled_from((0.4, 0.5))),
        st.builds(Deed, _SECONDS, st.just("coughs"), st.sampled_from((0.1, 0.3, 0.8))),
        st.builds(Deed, _SECONDS, st.just("presses")),
    )


def calls(*words: Word) -> st.SearchStrategy[AnyCall]:
    """Calls whose dialog says these."""
    return st.builds(
        AnyCall,
        deeds=st.lists(deeds(), min_size=1, max_size=6).map(tuple),
        stays=st.one_of(st.none(), _SECONDS),
        words=st.lists(st.sampled_from(words), min_size=1, max_size=5).map(tuple),
        first_delay=st.sampled_from((0.0, 0.3, 2.0, 7.0)),
        word_delay=st.sampled_from((0.0, 0.05)),
        final_delay=st.sampled_from((0.0, 0.3, 1.2)),
        interims=st.sampled_from((0.0, 0.2)),
        breaks_after=st.sampled_from((None, None, 3.3, 7.7)),
        voice_delay=st.sampled_from((0.0, 0.15, 0.5)),
        read_seconds=st.sampled_from((0.0, 0.4, 2.9)),
        store=st.lists(st.sampled_from(PLAYS), max_size=4).map(tuple),
    )


def answered_calls(*words: Word) -> st.SearchStrategy[AnyCall]:
    """The same, but for a dialog that only asks for tools, again and again: that call fails in the end."""
    return calls(*words).filter(lambda call: set(call.words) == {"order"} or not set(call.words) <= _ASKS_ON)


@dataclass
class AnyDialog:
    """Says the next of its words at each question, then from the first again; something upon an order's result.
    `asked`: every request, and when."""

    call: AnyCall
    asked: list[tuple[float, ReplyRequest]] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    _ids: "count[int]" = field(default_factory=count)

    async def check(self) -> None:
        await trio.lowlevel.checkpoint()

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        word = self.call.words[len(self.asked) % len(self.call.words)]
        if word == "order" and isinstance(request.history[-1], ToolResult):
            word = "short"
        self.asked.append((trio.current_time(), request))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            yield TimedReply(events_of(self._reply(word)), self.call.first_delay, self.call.word_delay)
        finally:
            self.open -= 1

    def _reply(self, word: Word) -> FixedReply:
        order = ToolCall(f"o{next(self._ids)}", "place_order", ORDER)
        look = ToolCall(f"l{next(self._ids)}", "product_details", {"product_id": "T-001"})
        replies: dict[Word, FixedReply] = {
            "short": "Да, есть.",
            "long": "Есть четыре штуки на складе, и ещё две придут завтра к обеду. Отложить их для вас?",
            "look": ["Сейчас посмотрю.", look],
            "order": [order],
            "look and order": ["Оформляю.", look, order],
            "delayed": ["Минуту", Delayed(), "Да, нашлось."],
            "end": ["Всего доброго.", ToolCall("e", END_CALL.name)],
            "transfer": ["Соединяю.", ToolCall("t", TRANSFER.name)],
            "nothing": [],
            "looks": [look],
            "fault": ["Сейчас", ReasoningError("fails as its script says", retryable=True)],
        }
        return replies[word]


@dataclass
class BreaksOnce:
    """A recogniser whose first stream breaks where its script says, and no other."""

    inner: ScriptedRecognizer
    limits: StreamLimits = LIMITS

    async def check(self) -> None:
        await self.inner.check()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        try:
            async with self.inner.open_stream(spec, hints) as stream:
                yield stream
        finally:
            self.inner.fail_after = None


@dataclass
class SlowShop(Shop):
    """A Store that takes its time to read, and honours no key."""

    read_seconds: float = 0.0

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            await trio.sleep(self.read_seconds)
        return await super().answer(request)


def doubting_agent() -> AgentProfile:
    """The packaged agent's tools; of the Store it believes that it honours no key."""
    agent = load_agent(None, "en-GB")
    tools = {**agent.tools, "place_order": agent.tools["place_order"].model_copy(update={"repeat": False})}
    return agent.model_copy(update={"tools": tools})


@asynccontextmanager
async def open_parts(call: AnyCall, shop: Shop, dialog: AnyDialog) -> AsyncIterator[Parts]:
    """The parts of such a call; its voice is stamped and has the fixed phrases."""
    transport = httpx.MockTransport(shop.answer)
    async with open_shop_by(transport, agent=doubting_agent(), deadline_seconds=3.0) as toolbox:
        yield Parts(
            recognizer=BreaksOnce(
                ScriptedRecognizer(
                    [TEXTS[deed.does] for deed in call.deeds if deed.does in TEXTS] or [""],
                    final_delay_seconds=call.final_delay,
                    interim_every_seconds=call.interims,
                    fail_after=call.breaks_after,
                    goes_on=True,
                )
            ),
            voice=StampedVoice(first_delay_seconds=call.voice_delay),
            dialog=dialog,
            toolbox=toolbox,
            agent=AGENT.model_copy(update=PHRASES),
        )


async def live(call: AnyCall, stage: Stage, sounds: list[tuple[float, float]]) -> None:
    """The caller's part. `sounds`: from when to when they made one."""
    for deed in call.deeds:
        await trio.sleep(deed.wait)
        if deed.does == "presses":
            stage.asterisk.press("1042#")
        else:
            sounds.append((trio.current_time(), trio.current_time() + deed.seconds))
            await stage.asterisk.speak(deed.seconds)
    if call.stays is not None:
        await trio.sleep(call.stays)
        stage.asterisk.hang_up()
