"""What the record was told on this node lately, numbered: a bounded ring that readers follow at their own pace.

Telling costs an append and a wake-up; what an event says is put into words by those who read it. A reader that asks for
what the ring no longer has hears of a gap; one that falls behind while it reads has lost its place."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

import trio

from callengine.ports.journal import Entry

EVENTS = 2000  # some minutes of 200 busy calls, a few MB
READERS = 32


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


@dataclass(slots=True)
class EventRing:
    """`era`: when this ring began (milliseconds since 1970), which tells its numbers from those of an earlier process
    or another node. The events kept are those numbered `first` to `last`; numbers begin at 1."""

    era: int = field(default_factory=_now_ms)
    size: int = EVENTS
    readers: int = 0
    last: int = 0
    draining: bool = False
    closed: bool = False
    _entries: deque[Entry] = field(init=False)
    _news: trio.Event = field(default_factory=trio.Event)
    _left: trio.Event = field(default_factory=trio.Event)

    def __post_init__(self) -> None:
        self._entries = deque(maxlen=self.size)

    @property
    def first(self) -> int:
        """The number of the oldest event that is kept; `last + 1` where there is none."""
        return self.last - len(self._entries) + 1

    def tell(self, entry: Entry) -> None:
        """Add an event. Never blocks, never raises."""
        self._entries.append(entry)
        self.last += 1
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

    def entry(self, number: int) -> Entry | None:
        """An event that is kept, by its number."""
        return self._entries[number - self.first] if self.first <= number <= self.last else None

    async def news(self, until: float) -> None:
        """Wait for what `entry`, `draining` or `closed` say next, till a time of Trio's clock at most."""
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

    def _wake(self) -> None:
        if self._news.statistics().tasks_waiting:
            self._news.set()
            self._news = trio.Event()
