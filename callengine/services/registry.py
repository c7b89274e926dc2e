"""The live state in Redis: each node says, again and again, which calls it has; what it stops saying fades."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from math import inf
from typing import TypeVar

import redis.asyncio
import structlog
import trio

from callengine.errors import AwayError, ServiceError
from callengine.ports.bridge import Bridge
from callengine.ports.registry import Claim, LiveCall
from callengine.ports.tools import CallerContext
from callengine.services import registry_scripts as scripts
from callengine.services import registry_store as store
from callengine.services.kept_calls import KeptCalls
from callengine.services.redis_client import CONNECTIONS, REDIS_ERRORS, as_service_error, connect_all, open_redis
from callengine.services.stay import open_stay

T = TypeVar("T")

HEARTBEAT_SECONDS = 10.0
BACKOFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
# A call waits for what the dialplan said of it: better to begin without.
ANSWER_SECONDS = 2.0
# What was said before a node died is worth more than a greeting that comes sooner: a Redis that is well is waited for
# though all calls of that node come at once and this one is busy with them, one that is away is not.
CLAIM_SECONDS = 4.0
CLAIM_AWAY_SECONDS = 0.3
# The dialplan gives up on a registration after CE_API_SECONDS (0.5), and the caller would come without a name.
PUT_SECONDS = 0.3
# Redis was away, and may have come back empty: so long a node that was not told of a call may be about to tell of it
# still, or have died before it could, and the caller be on the way from there.
DOUBT_SECONDS = 60.0
# Callers kept here while Redis is away; the dialplan registers each call once.
MAX_CALLERS = 10_000

log = structlog.get_logger(__name__)


class RedisRegistry:
    """The Registry port. Memory holds what this node says; Redis is told of changes, and of all of it at a heartbeat,
    so whatever Redis forgot or missed is put back."""

    def __init__(self, client: redis.asyncio.Redis, node: str, bridge: Bridge) -> None:
        self._client = client
        self._node = node
        self._bridge = bridge
        self._calls: dict[str, LiveCall] = {}
        self._changed: dict[str, None] = {}  # ordered; bounded by the calls of a moment
        self._callers: dict[str, tuple[float, CallerContext]] = {}
        self._kept = KeptCalls()
        self._claiming: set[trio.CancelScope] = set()
        self._wake = trio.Event()
        self._attempted = trio.Event()  # replaced after every attempt
        self._trouble: ServiceError | None = None
        self._doubt_until = -inf
        self._told = self._tried = self._asked = 0
        self._turns = trio.CapacityLimiter(CONNECTIONS)

    def call_up_nowait(self, call: LiveCall) -> None:
        """Say that a call is up here. Never blocks, never raises."""
        self._calls[call.call_id] = call
        self._note_change(call.call_id)

    def call_down_nowait(self, call_id: str) -> None:
        """Say that a call is over. Never blocks, never raises."""
        if self._calls.pop(call_id, None) is not None:
            self._note_change(call_id)

    async def live_calls(self) -> Sequence[LiveCall]:
        """Calls up on any node, oldest first; what this node said before is among them. Raises ServiceError."""
        await self.publish()
        return await self._ask(store.read_calls)

    async def put_caller(self, caller: CallerContext) -> None:
        """Keep what the dialplan knows of a call for 60 s, within PUT_SECONDS. While Redis is away it is kept here, and
        put there after.

        Raises ServiceError when neither has room.
        """
        self._forget_old_callers()
        if len(self._callers) >= MAX_CALLERS:
            raise AwayError("registry: Redis is away, and too many callers are kept for it already")
        self._callers[caller.call_id] = (trio.current_time() + store.CALLER_SECONDS, caller)
        try:
            # The question outlives this wait: cut off, it would cost its connection, on a busy node each time.
            with trio.fail_after(PUT_SECONDS):
                await self.publish()
        except (ServiceError, trio.TooSlowError):
            log.warning("caller kept in memory: Redis is away or late", call_id=caller.call_id)

    async def take_caller(self, call_id: str) -> CallerContext | None:
        """What was put for this call, if anything; once. Raises ServiceError."""
        until, caller = self._callers.pop(call_id, (0.0, None))
        if caller is not None and trio.current_time() < until:
            return caller
        return await self._ask(store.take_caller, call_id)

    async def claim(self, call_id: str) -> Claim:
        """Take a call that has come, within CLAIM_SECONDS; without Redis what this node knows serves."""
        epoch, found = 0, ""
        waiting = trio.CancelScope()
        waiting.deadline = trio.current_time() + (CLAIM_SECONDS if self._trouble is None else CLAIM_AWAY_SECONDS)
        self._claiming.add(waiting)
        if self._trouble is None:
            self._wake.set()  # the writer finds out whether Redis is there, for all who wait
        try:
            with waiting:
                epoch, found = await self._ask(scripts.claim, call_id, seconds=CLAIM_SECONDS)
            if waiting.cancelled_caught:
                log.warning("call claimed in memory: Redis is late", call_id=call_id)
        except ServiceError as error:
            log.warning("call claimed in memory: Redis is away", problem=str(error))
        finally:
            self._claiming.remove(waiting)
        now = trio.current_time()
        if not epoch or self._trouble is not None:
            self._doubt_until = now + DOUBT_SECONDS
        return self._kept.claimed(call_id, epoch, found, sure=now >= self._doubt_until)

    def checkpoint_nowait(self, claim: Claim, text: str) -> None:
        """Keep how far a call is. Never blocks, never raises."""
        self._kept.note(claim, checkpoint=text)
        self._wake.set()

    def outcome_nowait(self, claim: Claim, word: str) -> None:
        """Keep the dialplan's word for a call. Never blocks, never raises."""
        self._kept.note(claim, outcome=word)
        self._wake.set()

    def release_nowait(self, claim: Claim) -> None:
        """The connection is over. Never blocks, never raises."""
        self._kept.release(claim)

    async def outcome(self, call_id: str) -> str:
        """The word that any node has said for a call. Raises ServiceError."""
        return self._kept.outcome(call_id) or await self._ask(scripts.read_outcome, call_id)

    async def connect(self) -> None:
        """Have every connection open before the first call. Raises ServiceError."""
        await self._ask(connect_all)

    async def check(self) -> None:
        """Raise ServiceError when Redis cannot be reached, or does not take what it is told."""
        await self._ask(store.ping)
        if self._trouble is not None:
            raise self._trouble

    async def publish(self) -> None:
        """Wait until Redis knows all that was said here so far. Raises ServiceError."""
        self._asked += 1
        mine = self._asked
        while self._told < mine:
            self._wake.set()
            await self._attempted.wait()
            if self._trouble is not None and self._tried >= mine:  # an attempt of before says nothing of this
                raise self._trouble

    async def run_writer(self) -> None:
        """Tell Redis of changes at once and of everything at each heartbeat, for ever."""
        next_beat = trio.current_time()
        failed = 0
        while True:
            retry_at = trio.current_time() + BACKOFF_SECONDS[failed - 1] if failed else next_beat
            with trio.move_on_at(min(retry_at, next_beat)):
                await self._wake.wait()
            self._wake = trio.Event()
            asked, changed, self._changed = self._asked, self._changed, {}
            whole = failed > 0 or trio.current_time() >= next_beat
            try:
                await self._tell(whole, changed)
            except ServiceError as error:
                failed = min(failed + 1, len(BACKOFF_SECONDS))
                self._tried = asked
                self._note_failure(error)
            else:
                failed, self._told = 0, asked
                self._note_success()
            while next_beat <= trio.current_time():
                next_beat += HEARTBEAT_SECONDS
            self._attempted.set()
            self._attempted = trio.Event()

    async def leave(self) -> None:
        """Take this node's calls out of Redis, and leave there what others go on with. Raises ServiceError."""
        await self._tell_kept(whole=False)
        await self._ask(store.forget_node, self._node)

    def _note_change(self, call_id: str) -> None:
        self._changed[call_id] = None
        self._wake.set()

    async def _tell(self, whole: bool, changed: dict[str, None]) -> None:
        if whole:
            await self._ask(store.put_node, self._node, tuple(self._calls.values()))
        elif changed:
            up = tuple(self._calls[call_id] for call_id in changed if call_id in self._calls)
            down = tuple(call_id for call_id in changed if call_id not in self._calls)
            await self._ask(store.change_node, self._node, up, down)
        elif self._claiming:
            await self._ask(store.ping)
        await self._put_back_callers()
        await self._tell_kept(whole)

    async def _tell_kept(self, whole: bool) -> None:
        for kept in self._kept.to_tell(whole=whole):
            claim, kept.told = kept.claim, True  # what is said meanwhile is told again
            try:
                epoch = await self._ask(scripts.keep, claim.call_id, claim.epoch, kept.checkpoint, kept.outcome)
            except ServiceError:
                kept.told = False
                raise
            if claim.epoch and epoch > claim.epoch:
                log.warning("call_taken", call_id=claim.call_id, epoch=epoch)
                self._kept.lose(kept)
            else:
                claim.epoch = epoch

    async def _put_back_callers(self) -> None:
        self._forget_old_callers()
        for call_id, kept in tuple(self._callers.items()):
            until, caller = kept
            await self._ask(store.put_caller, caller, until - trio.current_time())
            if self._callers.get(call_id) is kept:  # else it was said anew meanwhile, or the call has come
                del self._callers[call_id]

    def _forget_old_callers(self) -> None:
        now = trio.current_time()
        self._callers = {call_id: kept for call_id, kept in self._callers.items() if kept[0] > now}

    def _note_failure(self, error: ServiceError) -> None:
        if self._trouble is None:
            log.warning("the registry goes on from memory", problem=str(error))
        self._trouble = error
        for waiting in self._claiming:
            waiting.deadline = min(waiting.deadline, trio.current_time() + CLAIM_AWAY_SECONDS)

    def _note_success(self) -> None:
        if self._trouble is not None:
            log.info("the registry is back", calls=len(self._calls))
            self._doubt_until = trio.current_time() + DOUBT_SECONDS
        self._trouble = None

    async def _ask(self, afn: Callable[..., Awaitable[T]], *args: object, seconds: float | None = None) -> T:
        try:
            with trio.fail_after(ANSWER_SECONDS if seconds is None else seconds):
                async with self._turns:
                    return await self._bridge.run(afn, self._client, *args)
        except (*REDIS_ERRORS, trio.TooSlowError) as error:
            raise as_service_error("registry", error) from error


@asynccontextmanager
async def open_registry(redis_url: str, node: str, bridge: Bridge) -> AsyncIterator[RedisRegistry]:
    """The registry at `redis_url`, speaking for `node`, connected where Redis is there. Leaving takes the node's calls
    out. Raises ConfigError for a wrong URL."""
    async with open_redis(redis_url, CLAIM_SECONDS, bridge, texts=True) as client:
        registry = RedisRegistry(client, node, bridge)
        await _connect_or_say(registry)
        stays = "the registry keeps this node's calls until they fade"
        async with open_stay(registry.run_writer, registry.leave, stays):
            yield registry


async def _connect_or_say(registry: RedisRegistry) -> None:
    try:
        await registry.connect()
    except ServiceError as error:
        log.warning("the registry connects when Redis is there", problem=str(error))
