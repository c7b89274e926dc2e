"""A caller as docker/asterisk/dialplan.conf brings them: AudioSocket, then the outcome, then on as it says.

With CE_ENGINE_1 and CE_ENGINE_2 both the balancer (docs/howto/production.md): the first try again is at once."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import httpx
import trio

from callengine.caller.line import NotConnectedError
from callengine.caller.phone import open_phone

API_SECONDS = 0.5  # CE_API_SECONDS
RETRY_SECONDS = 5.0  # CE_RETRY_SECONDS
PATIENT_SECONDS = 60.0  # the same where a busy machine is not what a test is about
AGAIN = ("retry", "busy", "")  # the last: nobody answered


@dataclass
class Caller:
    """One call and what became of it: when the agent was first heard on each connection, and when that was lost."""

    call_id: UUID = field(default_factory=uuid4)
    spoke_at: list[float] = field(default_factory=list)
    lost_at: list[float] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    given_up: bool = False
    retry_seconds: float = RETRY_SECONDS
    api_seconds: float = API_SECONDS

    async def call(self, port: int, api: httpx.AsyncClient) -> None:
        """Hold the line until the engine ends the call, or for `retry_seconds` nobody takes it; cancelling hangs up."""
        until = -1.0
        while True:
            began = trio.current_time()
            await self._converse(port)
            if trio.current_time() - began > RETRY_SECONDS:
                until = -1.0
            self.words.append(await self._outcome(api))
            if self.words[-1] not in AGAIN:
                return
            if until < 0:
                until = trio.current_time() + self.retry_seconds
            elif trio.current_time() >= until:
                self.given_up = True
                return
            else:
                await trio.sleep(1.0)

    async def _converse(self, port: int) -> None:
        try:
            async with open_phone("127.0.0.1", port, self.call_id) as phone:
                if await phone.agent_speaking():
                    self.spoke_at.append(trio.current_time())
                    await phone.over()
                    self.lost_at.append(trio.current_time())
        except* NotConnectedError:
            pass

    async def _outcome(self, api: httpx.AsyncClient) -> str:
        try:
            with trio.fail_after(self.api_seconds):
                return (await api.get(f"/api/v1/calls/{self.call_id}/outcome")).text
        except (httpx.HTTPError, trio.TooSlowError):
            return ""

    @property
    def away_seconds(self) -> list[float]:
        """For each time the line was lost: until the agent was heard again."""
        return [spoke - lost for lost, spoke in zip(self.lost_at, self.spoke_at[1:], strict=False)]


@asynccontextmanager
async def open_api(port: int) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP through the balancer, a connection for each question, as the dialplan's CURL()."""
    url, afresh = f"http://127.0.0.1:{port}", httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, limits=afresh, trust_env=False, timeout=PATIENT_SECONDS) as api:
        yield api


async def calling(nursery: trio.Nursery, port: int, api: httpx.AsyncClient, count: int) -> list[Caller]:
    """So many callers who hear the agent; they hang up when the nursery is cancelled."""
    callers = [Caller(retry_seconds=PATIENT_SECONDS) for _ in range(count)]
    for caller in callers:
        nursery.start_soon(caller.call, port, api)
    await until(lambda: all(caller.spoke_at for caller in callers))
    return callers


async def until(true: Callable[[], Awaitable[bool] | bool]) -> None:
    """Look again and again until it is so."""
    while True:
        answer = true()
        if answer if isinstance(answer, bool) else await answer:
            return
        await trio.sleep(0.05)
