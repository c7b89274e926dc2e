"""Words that wait for a recogniser which is away: the dialog is told, again and again until one is back."""

import trio

from callengine.call.events import DialogEvent
from callengine.call.turn_events import CallerUnheard
from callengine.media.audio import RATE
from callengine.media.leg import Leg

TELL_SECONDS = 1.0


class Absence:
    """Whether one call's recogniser is away: its streams show no life, or hang while there are words."""

    def __init__(self) -> None:
        self._began = trio.Event()

    def begin(self) -> None:
        """It is away."""
        self._began.set()

    def end(self) -> None:
        """It has shown life."""
        if self._began.is_set():
            self._began = trio.Event()

    async def tell(self, leg: Leg, events: trio.MemorySendChannel[DialogEvent]) -> None:
        """While it is away and the caller has said something that has no words yet, say so; until cancelled."""
        while True:
            await self._began.wait()
            if leg.speech_since is not None and not leg.tracker.speaking:
                await events.send(CallerUnheard(leg.began + leg.speech_until / RATE))
            await trio.sleep(TELL_SECONDS)
