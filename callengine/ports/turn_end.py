"""The end-of-turn model: how long a caller's silence has to be, behind these words, to end their turn.

The engine has a table of words for that (`callengine.call.turn_words`), and goes by it wherever a model has no opinion,
is late, or fails. A model hears of every pause while it runs, in a task of its own under a deadline."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from callengine.ports.bridge import Bridge


@dataclass(frozen=True, slots=True)
class SaidSoFar:
    """A turn of the caller's that may be over.

    `text`: what was recognised so far, never empty; `language`: BCP-47; `question`: what the agent said last if that
    was a question and was heard to its end, else empty; `silence_seconds`: how long the caller has been silent."""

    text: str
    language: str
    question: str = ""
    silence_seconds: float = 0.0


class TurnEnd(Protocol):
    """A model, ready; one for all calls of the process."""

    async def pause(self, said: SaidSoFar) -> float | None:
        """Seconds of silence, from its beginning, that end this turn: few where the words are whole, more where more
        is to come (the engine takes them within 0.2 and 3 s). None: no opinion. Raises TurnEndError and nothing else.

        Asked of several calls at once and cancelled when it is late (0.2 s) or the caller goes on; it may not hold the
        loop for over 5 ms: `trio.to_thread.run_sync(..., abandon_on_cancel=True)` is for what computes longer."""
        ...


# The entry-point group `callengine.turn_end`: `open_turn_end(settings, bridge)`, settings being `config.Settings`.
OpenTurnEnd = Callable[[Any, Bridge], AbstractAsyncContextManager[TurnEnd]]
