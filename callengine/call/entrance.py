"""How many streams a process opens on one recogniser at once, so that a crowd that was turned out comes back in order.

What makes one stream fail on a machine without room makes all of them fail in the same moment, and all of them at
once, each with seconds of audio to be heard again, are more than it had no room for. So a stream that begins takes a
place, until it has caught up; the rest wait in line, in the order in which they came. A failure halves the places, a
stream that has caught up adds one: the window of TCP (RFC 5681), whose problem this is."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

import trio

from callengine.errors import RecognizerError

MOST_PLACES = 32  # 200 calls that begin in one moment are let in within a few round trips
FEWEST_PLACES = 2
LOOK_SECONDS = 1.0  # how often who waits asks whether to go elsewhere
LINE_SECONDS = 55.0  # nobody waits longer, however well the line moves: the ring keeps 60 s of a caller's words


class Entrance:
    """To one recogniser, for all calls of the process."""

    def __init__(self) -> None:
        self._places = trio.CapacityLimiter(MOST_PLACES)
        self._let_in_at = float("-inf")

    @property
    def places(self) -> int:
        """How many streams may be beginning at once."""
        return int(self._places.total_tokens)

    @property
    def crowded(self) -> bool:
        """Whoever comes now has to wait."""
        return self._places.available_tokens <= 0

    def narrow(self) -> None:
        """A stream has failed."""
        self._places.total_tokens = max(FEWEST_PLACES, self.places // 2)

    @asynccontextmanager
    async def place(self, since: float, away_seconds: float, elsewhere: Callable[[], bool]) -> AsyncIterator["Place"]:
        """A place for one stream of a call that has been without one `since` then; it is left when the block is, or
        sooner, and not held when the call is to go `elsewhere`. Raises RecognizerError: nobody was let in for
        `away_seconds`, or it took LINE_SECONDS."""
        place = Place(self)
        with suppress(trio.WouldBlock):
            self._places.acquire_on_behalf_of_nowait(place)
            place.held = True
        if not place.held:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, since, away_seconds, elsewhere, nursery.cancel_scope)
                await self._places.acquire_on_behalf_of(place)
                place.held = True
                nursery.cancel_scope.cancel("let in")
            if not place.held and not elsewhere():
                raise RecognizerError("too many streams wait for the recogniser", retryable=True)
        try:
            yield place
        finally:
            place.leave()

    def take_back(self, place: "Place", well: bool) -> None:
        """Somebody else may begin; `well`: this one has."""
        self._places.release_on_behalf_of(place)
        if well:
            self._let_in_at = trio.current_time()
            self._places.total_tokens = min(MOST_PLACES, self.places + 1)

    async def _watch(
        self, since: float, away_seconds: float, elsewhere: Callable[[], bool], line: trio.CancelScope
    ) -> None:
        """Leave the line when it is time to."""
        until = since + away_seconds
        while trio.current_time() < until and not elsewhere():
            await trio.sleep_until(min(until, trio.current_time() + LOOK_SECONDS))
            until = max(until, min(self._let_in_at + away_seconds, since + LINE_SECONDS))
        line.cancel("waited for long enough")


class Place:
    """One stream's place at an entrance."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self.held = False

    def leave(self, well: bool = False) -> None:
        """The stream has begun (`well`), or needs it no more."""
        if self.held:
            self.held = False
            self._entrance.take_back(self, well)


@dataclass(frozen=True, slots=True)
class Entrances:
    """Of a process, the chosen recogniser's first. `random` spreads what many calls would do in one moment."""

    both: tuple[Entrance, Entrance] = field(default_factory=lambda: (Entrance(), Entrance()))
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311  (no secret; the same in each simulation)

    def spread(self, seconds: float) -> float:
        """About so many seconds: from half of them to half as many again."""
        return seconds * self.random.uniform(0.5, 1.5)
