"""Asks the end-of-turn model about a caller's pause, in a task of its own; the table of words goes on meanwhile.

An opinion that comes in time takes the table's place for exactly these words. One that is late, or none, changes
nothing: the pause has its length from the table already."""

import math
from collections.abc import Sequence

import structlog
import trio

from callengine import metrics
from callengine.call.events import DialogEvent
from callengine.call.history import last_said
from callengine.call.turn_events import PauseJudged, State
from callengine.call.turns import Turns
from callengine.errors import TurnEndError
from callengine.ports.reasoning import HistoryItem
from callengine.ports.turn_end import SaidSoFar, TurnEnd

LATE_SECONDS = 0.2  # the shortest pauses are over by then
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 3.0  # nobody's silence ends a turn sooner, and nobody waits longer to be answered

log = structlog.get_logger(__name__)


class Opinions:
    """One call's questions to the model; None: the table alone decides."""

    def __init__(self, model: TurnEnd | None, language: str, events: trio.MemorySendChannel[DialogEvent]) -> None:
        self._model = model
        self._language = language
        self._events = events
        self._asked = ""  # about these words, in this pause
        self._scope = trio.CancelScope()
        self._warned = False

    def look(self, nursery: trio.Nursery, turns: Turns, history: Sequence[HistoryItem], now: float) -> None:
        """Something has happened: ask, if the caller pauses behind words that were not asked about."""
        said = turns.utterance
        silent = turns.state is State.LISTENING and turns.speech_began is None
        text = said.text if silent and not said.digits and said.paused is not None else ""
        if self._model is None or text == self._asked:
            return
        self._scope.cancel("the caller goes on")
        self._asked = text
        if text and said.paused is not None:
            question = last_said(history) if turns.asked else ""
            asked = SaidSoFar(text, self._language, question, max(0.0, now - said.paused))
            self._scope = trio.CancelScope()
            nursery.start_soon(self._ask, self._model, asked, self._scope)

    async def _ask(self, model: TurnEnd, said: SaidSoFar, scope: trio.CancelScope) -> None:
        result, seconds = "late", None
        with scope:
            with trio.move_on_after(LATE_SECONDS):
                seconds, result = await self._opinion(model, said)
            if seconds is not None:
                seconds = min(max(seconds, SHORTEST_PAUSE), LONGEST_PAUSE)
                await self._events.send(PauseJudged(said.text, seconds))
        if scope.cancelled_caught:
            result = "moot"  # the caller went on
        metrics.turn_end_opinions_total.labels(result).inc()

    async def _opinion(self, model: TurnEnd, said: SaidSoFar) -> tuple[float | None, str]:
        problem = "it gave no number of seconds"
        try:
            seconds = await model.pause(said)
            if seconds is None:
                return None, "none"
            if math.isfinite(seconds):
                return seconds, "given"
        except TurnEndError as error:
            problem = str(error)
        if not self._warned:  # once a call: it may well fail at every pause
            self._warned = True
            log.warning("turn_end_failed", problem=problem)
        return None, "failed"
