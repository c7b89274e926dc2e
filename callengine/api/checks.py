"""Parts behind ports, asked whether they are there: seldom, for a bounded time, however many requests want to know."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import trio
from pydantic import BaseModel

from callengine.errors import EngineError

CHECK_TIMEOUT_SECONDS = 2.0

PartState = Literal["ok", "failed"]


class Part(BaseModel):
    """One part's state, as found `age_seconds` ago."""

    state: PartState
    age_seconds: float


class CheckedParts:
    """Parts that are asked at most once in `fresh_seconds`, all at a time; silent for `timeout_seconds` is failed."""

    def __init__(
        self,
        checks: Mapping[str, Callable[[], Awaitable[None]]],
        fresh_seconds: float,
        timeout_seconds: float = CHECK_TIMEOUT_SECONDS,
    ) -> None:
        self._checks = checks
        self._fresh_seconds = fresh_seconds
        self._timeout_seconds = timeout_seconds
        self._found: dict[str, PartState] = {}
        self._checked_at = -float("inf")
        self._one_at_a_time = trio.Lock()

    async def states(self) -> dict[str, Part]:
        """Every part's state, checked now or a moment ago."""
        async with self._one_at_a_time:
            if trio.current_time() - self._checked_at >= self._fresh_seconds:
                async with trio.open_nursery() as nursery:
                    for name, check in self._checks.items():
                        nursery.start_soon(self._ask, name, check)
                self._checked_at = trio.current_time()
            age = round(trio.current_time() - self._checked_at, 3)
            return {name: Part(state=self._found[name], age_seconds=age) for name in self._checks}

    async def _ask(self, name: str, check: Callable[[], Awaitable[None]]) -> None:
        try:
            with trio.fail_after(self._timeout_seconds):
                await check()
        except (EngineError, trio.TooSlowError):  # the port's own log says why
            self._found[name] = "failed"
        else:
            self._found[name] = "ok"
