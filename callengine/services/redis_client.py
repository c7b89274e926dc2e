"""A Redis client with a fixed number of connections, opened before a call needs one; of a server or of a Cluster.

Without a limit redis-py opens a connection for each question of a moment, up to a hundred, and keeps them all: fifty
callers at once would each wait for a connection of their own. Whoever asks takes a turn of a limiter of CONNECTIONS."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import redis.asyncio
import trio
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff, NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    MovedError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from callengine.errors import AwayError, ConfigError, ServiceError
from callengine.ports.bridge import Bridge

CLOSE_SECONDS = 2.0
CONNECTIONS = 4  # a question takes a millisecond: four thousand a second
# What asking may raise; a Cluster without a node for a key raises what is no RedisError.
REDIS_ERRORS = (RedisError, RedisClusterException, OSError)


def as_service_error(who: str, error: Exception) -> ServiceError:
    """What is to be said of REDIS_ERRORS, or of no answer in time: one line with its mend. An AwayError is one with
    which calls go on, from memory; the others are of a name or password that Redis does not take."""
    said = str(error).split("\n", 1)[0]
    cause = error.__cause__  # a refusal while it connects comes as a ConnectionError
    match cause if isinstance(cause, AuthenticationError | AuthorizationError) else error:
        case ReadOnlyError():
            return AwayError(f"{who}: READONLY: REDIS_URL is that of a replica, name the primary")
        case MovedError():
            return AwayError(f"{who}: MOVED: REDIS_URL is that of a Cluster's node: write ?cluster=true behind it")
        case AuthenticationError() | AuthorizationError():
            return ServiceError(f"{who}: {said} (check the name and password in REDIS_URL)")
        case ResponseError() if not isinstance(error, ClusterDownError):
            return ServiceError(f"{who}: {said} (check REDIS_URL)")
        case RedisError() | RedisClusterException() | OSError():
            return AwayError(f"{who}: {said} (check REDIS_URL)")
        case _:
            return AwayError(f"{who}: no answer in time (check REDIS_URL)")


@asynccontextmanager
async def open_redis(
    redis_url: str, seconds: float, bridge: Bridge, *, texts: bool
) -> AsyncIterator[redis.asyncio.Redis]:
    """A `redis_client`, closed within CLOSE_SECONDS. It connects when it is asked first; see `connect_all`."""
    client = redis_client(redis_url, seconds, texts=texts)
    try:
        yield client
    finally:
        with trio.move_on_after(CLOSE_SECONDS, shield=True):
            await bridge.run(client.aclose)


def redis_client(redis_url: str, seconds: float, *, texts: bool) -> redis.asyncio.Redis:
    """A client that gives up after `seconds`; answers are text or bytes. Raises ConfigError for a wrong URL.

    `redis://:password@h1:6379,h2:6379/0?cluster=true` is a Cluster, of which one node is enough. Its client has the
    same commands; only keys with one hash tag may meet in one."""
    limits: dict[str, Any] = {
        "decode_responses": texts,
        "socket_connect_timeout": seconds,
        "socket_timeout": seconds,
    }
    try:
        if _is_cluster(redis_url):
            return cast("redis.asyncio.Redis", _cluster(redis_url, limits))
        # Once: a pooled connection may be older than the server.
        client = redis.asyncio.from_url(redis_url, retry=Retry(NoBackoff(), 1), **limits)
    except ValueError:
        raise ConfigError(
            "REDIS_URL", "is not a URL like redis://:password@host:6379/0 or redis://h1:6379,h2:6379/0?cluster=true"
        ) from None
    assert isinstance(client, redis.asyncio.Redis)
    return client


async def connect_all(client: redis.asyncio.Redis) -> None:
    """Open every connection that there will be; on the asyncio side. Raises REDIS_ERRORS."""
    if isinstance(cast("object", client), RedisCluster):
        await client.initialize()  # asks for the nodes; connections to each come with the first questions
        return
    pool: Any = client.connection_pool  # redis-py leaves its methods without types
    async with AsyncExitStack() as taken:
        for _ in range(CONNECTIONS):
            connection = await pool.get_connection()
            taken.push_async_callback(pool.release, connection)


def _is_cluster(redis_url: str) -> bool:
    return parse_qs(urlsplit(redis_url).query).get("cluster") == ["true"]


def _cluster(redis_url: str, limits: dict[str, Any]) -> RedisCluster:
    url = urlsplit(redis_url)
    if url.scheme not in ("redis", "rediss") or url.path not in ("", "/", "/0"):  # a Cluster has database 0 alone
        raise ValueError("no URL of a Cluster")
    who, _, where = url.netloc.rpartition("@")
    name, _, password = who.partition(":")
    return RedisCluster(
        startup_nodes=[_node(address) for address in where.split(",")],
        username=unquote(name) or None,
        password=unquote(password) or None,
        ssl=url.scheme == "rediss",
        max_connections=CONNECTIONS,
        retry=Retry(ConstantBackoff(0.05), 3),  # a slot that has moved is asked for again
        **limits,
    )


def _node(address: str) -> ClusterNode:
    host = urlsplit(f"//{address}")
    if not host.hostname:
        raise ValueError("a node without a name")
    return ClusterNode(host.hostname, host.port or 6379)
