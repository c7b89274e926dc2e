"""The events of the calls lately, in the order in which this node heard of them: a bounded ring that readers follow at
their own pace.

An event has a place among those of all nodes, or none where only this node knows of it yet. A reader that asks for what
the ring no longer has hears of a gap; one that falls behind while it reads has lost its place."""

from collections import deque
from dataclasses import dataclass, field, replace

import trio

from callengine.ports.events import Place

EVENTS = 5000  # some minutes of 200 busy calls, some MB; as many as the nodes keep for each other
READERS = 32


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as readers get it. `at_ms`: when it was heard, milliseconds since 1970."""

    text: bytes
    at_ms: int
    place: Place | None = None
    call_id: str = ""


@dataclass(slots=True)
class EventRing:
    """The events kept are those numbered `first` to `last`; numbers begin at 1, and are this ring's own. Of the events
    of all nodes it has had, or missed and said so, all those `since` a place up to `reached`; None: of none yet."""

    size: int = EVENTS
    readers: int = 0
    last: int = 0
    since: Place | None = None
    reached: Place | None = None
    alone: bool = False
    draining: bool = False
    closed: bool = False
    _events: deque[Shown] = field(default_factory=deque)
    _news: trio.Event = field(default_factory=trio.Event)
    _left: trio.Event = field(default_factory=trio.Event)

    @property
    def first(self) -> int:
        """The number of the oldest event that is kept; `last + 1` where there is none."""
        return self.last - len(self._events) + 1

    def begin(self, place: Place) -> None:
        """From here on the ring has the events of all nodes."""
        self.since = self.reached = place
        self._wake()

    def add(self, event: Shown) -> None:
        """Add an event. Never blocks, never raises."""
        self._events.append(event)
        self.last += 1
        if event.place is not None:
            self.reached = event.place
        while len(self._events) > self.size:
            self._lose_oldest()
        self._wake()

    def fade(self, before_ms: int) -> None:
        """Let go of what was heard before a time."""
        while self._events and self._events[0].at_ms < before_ms:
            self._lose_oldest()

    def forget(self, call_id: str) -> None:
        """What was said in a call is not to be had any more; its events keep their places."""
        for index, event in enumerate(self._events):
            if event.call_id == call_id:
                self._events[index] = replace(event, text=b"", call_id="")

    def set_alone(self, alone: bool) -> None:
        """Whether other nodes cannot be heard now, or do not hear this one; readers are told so."""
        self.alone = alone
        self._wake()

    def drain(self) -> None:
        """Calls that are up go on to their end, and readers are told so."""
        self.draining = True
        self._wake()

    async def close(self, seconds: float) -> None:
        """Nothing more will be told: readers have what is left, and `seconds` at most to take it."""
        self.closed = True
        self._wake()
        with trio.move_on_after(seconds):  # noqa: ASYNC912 - nobody to wait for is an end, too
            while self.readers:
                await self._left.wait()

    def event(self, number: int) -> Shown | None:
        """An event that is kept, by its number."""
        return self._events[number - self.first] if self.first <= number <= self.last else None

    def number_behind(self, place: Place) -> int | None:
        """The number of the first event that whoever has the one at `place` has not had; None where that is not
        known."""
        if self.since is None or self.reached is None or not self.since <= place <= self.reached:
            return None
        number = self.last
        while (event := self.event(number)) is not None and (event.place is None or event.place > place):
            number -= 1
        return number + 1

    async def news(self, until: float) -> None:
        """Wait for what may have changed here, till a time of Trio's clock at most."""
        news = self._news
        with trio.move_on_at(until):
            await news.wait()

    def enter(self) -> bool:
        """A reader comes; False when there are too many."""
        if self.readers >= READERS:
            return False
        self.readers += 1
        return True

    def leave(self) -> None:
        """A reader goes."""
        self.readers -= 1
        self._left.set()
        self._left = trio.Event()

    def _lose_oldest(self) -> None:
        lost = self._events.popleft()
        self.since = lost.place or self.since

    def _wake(self) -> None:
        if self._news.statistics().tasks_waiting:
            self._news.set()
            self._news = trio.Event()
