"""A Redis client with a fixed number of connections, opened before a call needs one.

Without a limit redis-py opens a connection for each question of a moment, up to a hundred, and keeps them all: fifty
callers at once would each wait for a connection of their own. Whoever asks takes a turn of a limiter of CONNECTIONS."""

from contextlib import AsyncExitStack
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from callengine.errors import ConfigError

CONNECTIONS = 4  # a question takes a millisecond: four thousand a second


def redis_client(redis_url: str, seconds: float, *, texts: bool) -> redis.asyncio.Redis:
    """A client that gives up after `seconds`; answers are text or bytes. Raises ConfigError for a wrong URL."""
    try:
        client = redis.asyncio.from_url(
            redis_url,
            decode_responses=texts,
            socket_connect_timeout=seconds,
            socket_timeout=seconds,
            # Once: a pooled connection may be older than the server.
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError:
        raise ConfigError("REDIS_URL", "is not a URL like redis://:password@host:6379/0") from None
    assert isinstance(client, redis.asyncio.Redis)
    return client


async def connect_all(client: redis.asyncio.Redis) -> None:
    """Open every connection that there will be; on the asyncio side. Raises RedisError, OSError."""
    pool: Any = client.connection_pool  # redis-py leaves its methods without types
    async with AsyncExitStack() as taken:
        for _ in range(CONNECTIONS):
            connection = await pool.get_connection()
            taken.push_async_callback(pool.release, connection)
