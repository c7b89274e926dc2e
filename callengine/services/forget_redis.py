"""What Redis has of calls that are to be forgotten: who called, the checkpoint, the Store's answers, the events. All of
it fades by itself within six hours; a call that is up still keeps it, for it goes on from there."""

from collections.abc import Sequence

import trio
from redis.asyncio import Redis

from callengine.ports.bridge import Bridge
from callengine.services import registry_store
from callengine.services.event_log import forget_events
from callengine.services.redis_client import REDIS_ERRORS, as_service_error, open_redis
from callengine.services.redis_writes import keys_of_writes

SECONDS = 30.0


async def forget_in_redis(redis_url: str, call_ids: Sequence[str], bridge: Bridge) -> tuple[int, int]:
    """Delete what Redis has of these calls, those that are up apart: how many keys went, how many calls are up.

    Raises ConfigError for a wrong URL, ServiceError."""
    try:
        async with open_redis(redis_url, SECONDS, bridge, texts=True) as client:
            with trio.fail_after(SECONDS):
                return await bridge.run(_forget, client, frozenset(call_ids))
    except (*REDIS_ERRORS, trio.TooSlowError) as error:
        raise as_service_error("registry", error) from error


async def _forget(client: Redis, call_ids: frozenset[str]) -> tuple[int, int]:
    up = {call.call_id for call in await registry_store.read_calls(client)}
    over, gone = call_ids - up, 0
    for call_id in sorted(over):
        gone += await registry_store.forget_call(client, call_id)
    for key in await keys_of_writes(client, over):
        gone += int(await client.delete(key))
    gone += await forget_events(client, over)
    return gone, len(call_ids & up)
