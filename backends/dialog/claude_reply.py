"""One reply of Claude's, made in a task of its own: attempts, deadlines, and no silence in between.

The model is asked, at once again where that failed, and after a spoken "one moment" a last time: the fallback model,
where there is one. What was heard before an attempt broke off is told to the next one. The task reads the stream as
fast as it comes, however slowly the voice speaks: deadlines are the model's alone, and it never waits anywhere but
within the stream, which therefore unwinds whenever it is cancelled."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import structlog
import trio
from anthropic import AsyncAPIResponse

from backends.dialog.claude_events import Reading, last_events
from backends.dialog.claude_faults import FAULTS, detail_of, fault_of, fault_within
from backends.dialog.claude_manner import manner
from backends.dialog.claude_prompt import Limits, ModelTraits, body_of
from backends.dialog.claude_sse import EventDecoder
from callengine.errors import ReasoningError
from callengine.ports.reasoning import AgentSaid, Delayed, ReplyEvent, ReplyRequest, TextDelta, Usage
from callengine.ports.tools import ToolCall

QUICK_SECONDS = 0.2  # before the second attempt
PATIENT_SECONDS = 1.0  # before the last one, when it asks the same model: "one moment" is being said

log = structlog.get_logger(__name__)

Item = ReplyEvent | ReasoningError
Create = Callable[..., AbstractAsyncContextManager[AsyncAPIResponse[Any]]]


@dataclass(frozen=True, slots=True)
class Models:
    """Whom to ask at `url`, and how long to wait. `create`: the SDK's, whose response streams; `fallback`: the last
    attempt's model."""

    url: str
    create: Create
    main: ModelTraits
    fallback: ModelTraits | None
    limits: Limits


class Making:
    """A reply being made. What is sent ends with its last event, or with the error."""

    def __init__(self, models: Models, request: ReplyRequest, events: trio.MemorySendChannel[Item]) -> None:
        self._models = models
        self._request = request
        self._events = events
        self._manner = manner(request.caller.language)
        self._heard = ""  # all text that was sent
        self._delayed = False

    async def run(self) -> None:
        """Make it."""
        with self._events:
            fault: ReasoningError | None = None
            with trio.move_on_after(self._models.limits.turn_seconds) as turn:
                fault = await self._try_all()
            if turn.cancelled_caught:
                fault = self._too_slow()
            if fault is not None:
                self._events.send_nowait(fault)

    async def _try_all(self) -> ReasoningError | None:
        models = self._models
        fault = await self._attempt(models.main)
        if fault is not None and fault.retryable:
            await self._prepare_again()
            fault = await self._attempt(models.main)
        if fault is not None and (fault.retryable or models.fallback is not None):
            self._send([Delayed()])
            if models.fallback is None:
                await trio.sleep(PATIENT_SECONDS)
            fault = await self._attempt(models.fallback or models.main)
        return fault

    async def _prepare_again(self) -> None:
        if self._heard.strip():
            self._send([TextDelta(f" {self._manner.phrases['once_more']} ")])
        await trio.sleep(QUICK_SECONDS)

    async def _attempt(self, traits: ModelTraits) -> ReasoningError | None:
        """Ask once; what went wrong, if anything did."""
        reading = Reading(traits.model)
        fault: ReasoningError | None = None
        with trio.move_on_after(self._models.limits.first_token_seconds) as patience:
            fault = await self._listen(reading, traits, patience)
        if reading.stop_reason:  # whatever came of the connection then
            said_before = bool(self._heard.strip()) or self._delayed or _began_before(self._request)
            self._send(last_events(reading, self._manner, said_before, _tools_used(self._request)))
            return None
        fault = fault or self._unfinished(reading, patience)
        log.warning("claude_failed", problem=str(fault), model=traits.model)
        return fault

    async def _listen(self, reading: Reading, traits: ModelTraits, patience: trio.CancelScope) -> ReasoningError | None:
        body = body_of(self._request, traits, self._models.limits, self._heard)
        await trio.lowlevel.checkpoint()  # the SDK takes its own milliseconds over a long history
        decoder = EventDecoder()
        try:
            async with self._models.create(**body, stream=True) as response:
                async for chunk in response.http_response.aiter_bytes():  # to its end, whatever comes
                    for event in decoder.feed(chunk):
                        self._send(reading.feed(event))
                    if reading.began:
                        patience.deadline = trio.current_time() + self._models.limits.first_token_seconds
        except FAULTS as error:
            log.debug("claude_fault", pii_detail=detail_of(error))
            return fault_of(error, self._models.url, traits.model)
        return None

    def _unfinished(self, reading: Reading, patience: trio.CancelScope) -> ReasoningError:
        if reading.error:
            return fault_within(reading.error, self._models.url)
        silent = f"said nothing for {self._models.limits.first_token_seconds:g} s"
        how = silent if patience.cancelled_caught else "broke off its answer"
        return ReasoningError(f"Claude at {self._models.url} {how}", retryable=True)

    def _send(self, events: Iterable[ReplyEvent | Usage]) -> None:
        for event in events:
            if isinstance(event, Usage):
                self._request.spent(event)
                continue
            if isinstance(event, TextDelta):
                self._heard += event.text
            self._delayed |= isinstance(event, Delayed)
            self._events.send_nowait(event)

    def _too_slow(self) -> ReasoningError | None:
        """The turn's time is over: half an answer is an answer, with an offer to go on."""
        log.warning("claude_too_slow", seconds=self._models.limits.turn_seconds, said=bool(self._heard))
        if self._heard.strip():
            self._send([TextDelta(f" {self._manner.phrases['go_on']}")])
            return None
        limit = f"{self._models.limits.turn_seconds:g} s"
        return ReasoningError(f"Claude at {self._models.url} gave no answer in {limit}", retryable=True)


def _began_before(request: ReplyRequest) -> bool:
    return bool(request.history) and isinstance(request.history[-1], AgentSaid)


def _tools_used(request: ReplyRequest) -> int:
    return sum(isinstance(item, ToolCall) for item in request.history)
