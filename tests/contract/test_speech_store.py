"""The SpeechStore port, held against every implementation."""

from collections.abc import AsyncIterator

import pytest
import redis
import trio

from callengine.ports.synthesis import SpeechChunk, SpeechStore, WordMark
from callengine.services import speech_store
from callengine.services.bridge import open_bridge
from callengine.services.memory import MemorySpeeches
from callengine.services.speech_store import INDEX, MOST_BYTES, RedisSpeeches, open_speech_store
from tests.recognizers import NOBODY_THERE
from tests.state_servers import FIXTURES, SERVERS

SPEECH = SpeechChunk(bytes(range(256)) * 4, (WordMark(0, 0), WordMark(5, 300)))
PATIENCE_SECONDS = 60


@pytest.fixture(params=["memory", *SERVERS])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[SpeechStore]:
    if request.param == "memory":
        yield MemorySpeeches()
        return
    async with (
        open_bridge() as bridge,
        open_speech_store(request.getfixturevalue(FIXTURES[request.param]), bridge) as opened,
    ):
        yield opened


async def come(store: SpeechStore, key: str) -> SpeechChunk:
    """A speech that was put, as soon as it is there."""
    with trio.fail_after(PATIENCE_SECONDS):
        while (speech := await store.get(key)) is None:
            await trio.lowlevel.checkpoint()
    return speech


async def test_what_was_put_comes_back_whole(store: SpeechStore) -> None:
    assert await store.get("a") is None
    store.put_nowait("a", SPEECH)
    assert await come(store, "a") == SPEECH
    assert await store.get("b") is None


async def test_the_newest_counts(store: SpeechStore) -> None:
    store.put_nowait("a", SPEECH)
    await come(store, "a")
    store.put_nowait("a", SpeechChunk(b"12"))
    store.put_nowait("b", SPEECH)
    await come(store, "b")
    assert await store.get("a") == SpeechChunk(b"12")


@pytest.mark.integration
async def test_redis_holds_a_bounded_number_and_lets_them_fade(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_store, "MOST_SPEECHES", 5)
    async with open_bridge() as bridge, open_speech_store(redis_url, bridge) as store:
        for number in range(12):
            store.put_nowait(str(number), SPEECH)
            await come(store, str(number))
            await store.get("0")  # what is asked for stays
        store.put_nowait("too long", SpeechChunk(bytes(MOST_BYTES)))
        store.put_nowait("last", SPEECH)
        await come(store, "last")
        with redis.from_url(redis_url) as client:
            kept = {name.decode() for name in client.zrange(INDEX, 0, -1)}
            assert kept == {"0", "9", "10", "11", "last"}
            assert client.dbsize() == len(kept) + 1
            assert all(0 < client.ttl(key) <= speech_store.KEEP_SECONDS for key in client.keys("*"))


@pytest.mark.integration
async def test_what_is_no_speech_is_none(redis_url: str) -> None:
    with redis.from_url(redis_url) as client:
        client.set("callengine:{speech}:a", b"\x00")
    async with open_bridge() as bridge, open_speech_store(redis_url, bridge) as store:
        assert await store.get("a") is None


async def test_a_redis_that_is_away_is_left_alone() -> None:
    async with open_bridge() as bridge, open_speech_store(f"redis://{NOBODY_THERE}/0", bridge) as store:
        with trio.fail_after(PATIENCE_SECONDS):
            assert await store.get("a") is None
            assert store._rests_until > trio.current_time()
            for number in range(200):  # more than can wait: nobody waits for it, nothing is raised
                store.put_nowait(str(number), SPEECH)
            await trio.testing.wait_all_tasks_blocked()
            assert await store.get("a") is None


async def test_a_redis_that_hangs_costs_a_caller_a_tenth_of_a_second(autojump_clock: trio.testing.MockClock) -> None:
    class Hanging:
        async def run(self, *_args: object) -> None:
            await trio.sleep_forever()

    store = RedisSpeeches(None, Hanging())  # type: ignore[arg-type]
    assert await store.get("a") is None
    assert trio.current_time() == speech_store.GET_SECONDS
    assert await store.get("a") is None
    assert trio.current_time() == speech_store.GET_SECONDS
