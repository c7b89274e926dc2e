"""What another node needs to go on with a call, in Redis: its epoch, its checkpoint, its outcome. On the asyncio side.

A node that was stopped for a while must not write over the one that took its call, so the epoch is compared in the
same step in which anything is written: Lua scripts, which Redis runs whole (redis.io, "Scripting with Lua"). The three
keys of a call share a hash tag, so that a Redis Cluster has them in one slot."""

from typing import Any

from redis.asyncio import Redis

# The connection that asks for the outcome comes within a second, the one that goes on within CE_RETRY_SECONDS.
KEPT_SECONDS = 300

_CLAIM = """
local epoch = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[3])
return {epoch, redis.call('GET', KEYS[2]) or ''}
"""
# An epoch that Redis has forgotten is put back; 0 is a call that Redis could not be asked for when it came.
_KEEP = """
local mine = tonumber(ARGV[1])
if mine == 0 then
  mine = redis.call('INCR', KEYS[1])
else
  local known = tonumber(redis.call('GET', KEYS[1]) or '0')
  if known > mine then return known end
end
redis.call('SET', KEYS[1], mine, 'EX', ARGV[2])
for place = 2, 3 do
  if ARGV[place + 1] == '' then
    redis.call('DEL', KEYS[place])
  else
    redis.call('SET', KEYS[place], ARGV[place + 1], 'EX', ARGV[2])
  end
end
return mine
"""


async def claim(client: Redis, call_id: str) -> tuple[int, str]:
    """Take a call: its new epoch, and the checkpoint that the epoch before left (empty: none)."""
    epoch, checkpoint = await _run(client, _CLAIM, call_id, KEPT_SECONDS)
    return int(epoch), str(checkpoint)


async def keep(client: Redis, call_id: str, epoch: int, checkpoint: str, outcome: str) -> int:
    """Keep what a connection says of its call, empty for nothing. Gives the call's epoch: where it is higher than
    `epoch`, which was not 0, a newer connection has the call and nothing was written."""
    return int(await _run(client, _KEEP, call_id, epoch, KEPT_SECONDS, checkpoint, outcome))


async def read_outcome(client: Redis, call_id: str) -> str:
    """The word for a call, empty where there is none."""
    return str(await client.get(_keys(call_id)[2]) or "")


async def _run(client: Redis, script: str, call_id: str, *args: str | int) -> Any:
    keys = _keys(call_id)
    answer: Any = client.eval(script, len(keys), *keys, *map(str, args))  # redis-py types it for both of its clients
    return await answer


def _keys(call_id: str) -> tuple[str, str, str]:
    call = f"callengine:{{call:{call_id}}}"
    return f"{call}:epoch", f"{call}:checkpoint", f"{call}:outcome"
