"""What happens to the calls of all nodes, for readers at any of them.

What the record is told here is put into words by a task of its own and told to all nodes; what all nodes told, this one
among them, is heard in one order. While the others cannot be reached (Redis is away) this node's own events are shown
at once, without a place; they get theirs later, and nobody here is told them twice."""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

import structlog
import trio

from callengine.api.event_ring import EventRing, Shown
from callengine.api.event_stream import EVENTS_AT_ONCE, data_text, event_text, named_text, place_text
from callengine.api.event_views import event_of
from callengine.errors import ServiceError
from callengine.ports.events import EventLog, Heard, Place, Told
from callengine.ports.journal import Entry

MOST_WAITING = 2000  # own events that were not heard back; the oldest go, and everybody hears of a gap
MOST_SOURCES = 1000  # processes whose numbers are known: each start of a node is one
GATHER_SECONDS = 0.1  # what comes at about the same time is told together: a command costs the loop a millisecond
WAIT_SECONDS = 2.0
AGAIN_SECONDS = 1.0
LOAD_SECONDS = 3.0
KEEP_MS = 3_600_000  # as long as the nodes keep it for each other
FORGOTTEN = "forgotten"

Part = Literal["told", "heard"]
Own = tuple[int, Entry]

log = structlog.get_logger(__name__)


class SharedEvents:
    """The ring of one process, filled. `load`, if it can, and `run` must be running."""

    def __init__(self, ring: EventRing, event_log: EventLog) -> None:
        self.ring = ring
        self._log = event_log
        self._source = uuid4().hex
        self._number = 0
        self._own: deque[Own] = deque(maxlen=MOST_WAITING)  # those that were not heard back
        self._put = self._shown = 0  # the number of the last one that was told to all, or shown without a place
        self._numbers: dict[str, int] = {}  # of the last event that was heard of each process
        self._position: Place | None = None
        self._away: set[Part] = set()
        self._news = trio.Event()

    def tell(self, entry: Entry) -> None:
        """Tell of an entry of the record. Never blocks, never raises."""
        self._number += 1
        self._own.append((self._number, entry))
        self._wake()

    async def load(self) -> None:
        """Hear what was told before this process began, so that readers find their places; where that is not to be
        had, they do not."""
        try:
            with trio.move_on_after(LOAD_SECONDS):
                position = await self._log.newest()
                heard = await self._log.after((0, 0), 0)
                self._begin(heard[0].place if heard else position)
                while heard:
                    self._take(heard)
                    position = heard[-1].place
                    heard = await self._log.after(position, 0)
                self._position = position
        except ServiceError as error:
            self._note_away("heard", error)

    async def run(self) -> None:
        """Tell and hear, for ever."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._run_telling)
            nursery.start_soon(self._run_hearing)
            nursery.start_soon(self._run_showing)

    def drain(self) -> None:
        """Readers here are told that this node takes no more calls."""
        self.ring.drain()

    async def close(self, seconds: float) -> None:
        """Readers get what is left; `seconds` at most for it to be heard back, and as many for them to take it."""
        with trio.move_on_after(seconds):  # noqa: ASYNC912 - nothing to wait for is an end, too
            while self._own and not self._away:
                await self._news.wait()
        while batch := self._behind(self._shown):
            self._show(batch)
            await trio.lowlevel.checkpoint()
        await self.ring.close(seconds)

    async def _run_telling(self) -> None:
        while True:
            batch = self._behind(self._put)
            if not batch:
                self._note_there("told")
            if not batch or self._position is None:  # where this node begins to hear comes before what it tells
                await self._news.wait()
                await trio.sleep(GATHER_SECONDS)
                continue
            try:
                await self._log.put([self._told(own) for own in batch])
            except ServiceError as error:
                self._note_away("told", error)
                await trio.sleep(AGAIN_SECONDS)
            else:
                self._put = batch[-1][0]
                self._note_there("told")

    async def _run_hearing(self) -> None:
        while True:
            try:
                if self._position is None:
                    self._position = await self._log.newest()
                    self._begin(self._position)
                    self._wake()
                heard = await self._log.after(self._position, WAIT_SECONDS)
            except ServiceError as error:
                self._note_away("heard", error)
                await trio.sleep(AGAIN_SECONDS)
                continue
            self._note_there("heard")
            if heard:
                self._take(heard)
                self._position = heard[-1].place
            self.ring.fade(_now_ms() - KEEP_MS)

    async def _run_showing(self) -> None:
        while True:
            batch = self._behind(self._shown) if self._away else ()
            if not batch:
                await self._news.wait()
                continue
            self._show(batch)
            await trio.lowlevel.checkpoint()

    def _begin(self, place: Place) -> None:
        """Where nobody knows of any event, what there may have been before now has faded."""
        self.ring.begin((_now_ms(), 0) if place == (0, 0) else place)

    def _behind(self, number: int) -> Sequence[Own]:
        """Some of the own events that come after a number: putting them into words stays within a step of the loop."""
        return [own for own in self._own if own[0] > number][:EVENTS_AT_ONCE]

    def _told(self, own: Own) -> Told:
        name, data = event_of(own[1])
        return Told(self._source, own[0], name, own[1].call_id, data_text(data))

    def _show(self, batch: Sequence[Own]) -> None:
        for own in batch:
            told = self._told(own)
            self.ring.add(Shown(named_text(told.name, told.data), _now_ms(), None, told.call_id))
            self._shown = own[0]

    def _take(self, heard: Sequence[Heard]) -> None:
        for each in heard:
            self._take_one(each.told, each.place)
        self._wake()

    def _take_one(self, told: Told, place: Place) -> None:
        if told.name == FORGOTTEN:
            self.ring.forget(told.call_id)
            self.ring.add(Shown(event_text(FORGOTTEN, {"call_id": told.call_id}, place), place[0], place))
            return
        missed = self._missed(told)
        if missed < 0:
            return  # it was told twice
        if missed:
            self.ring.add(Shown(event_text("gap", {"missed": missed}), _now_ms()))
        mine = told.source == self._source
        if mine:
            self._put = max(self._put, told.number)
        while mine and self._own and self._own[0][0] <= told.number:
            self._own.popleft()
        shown = mine and told.number <= self._shown
        text = f"{place_text(place)}\n".encode() if shown else named_text(told.name, told.data, place)
        self.ring.add(Shown(text, place[0], place, "" if shown else told.call_id))

    def _missed(self, told: Told) -> int:
        """How many events before this one its process has told and nobody here will see; -1: this one was heard."""
        had = self._numbers.pop(told.source, told.number - 1)
        self._numbers[told.source] = max(had, told.number)
        while len(self._numbers) > MOST_SOURCES:
            del self._numbers[next(iter(self._numbers))]
        if told.number <= had:
            return -1
        seen = max(had, self._shown) if told.source == self._source else had
        return max(0, told.number - seen - 1)

    def _note_away(self, part: Part, error: ServiceError) -> None:
        if not self._away:
            log.warning("events_alone", problem=str(error))
        self._away.add(part)
        self.ring.set_alone(True)
        self._wake()

    def _note_there(self, part: Part) -> None:
        if part in self._away:
            self._away.discard(part)
            if not self._away:
                log.info("events_together")
                self.ring.set_alone(False)

    def _wake(self) -> None:
        self._news.set()
        self._news = trio.Event()


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
