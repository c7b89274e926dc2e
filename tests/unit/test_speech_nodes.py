"""Several servers balanced by their streams, and a dead one left alone for a while: virtual time, no network."""

from typing import Any

import trio
import trio.testing

from backends.stt import wire_v2
from backends.stt.nodes import Channel, Node, channels_for, preferred
from backends.stt.stream import Service
from backends.stt.wire import Dialect
from callengine.errors import RecognizerError, RecognizerReason

NOTHING: Any = None  # neither a bridge nor a connection is used here


def node(name: str, channels: int = 1) -> Node:
    return Node(Service(NOTHING, wire_v2, Dialect(""), name), [Channel(NOTHING) for _ in range(channels)])


def error(reason: RecognizerReason) -> RecognizerError:
    return RecognizerError("x", retryable=True, reason=reason)


def names(nodes: list[Node]) -> list[str]:
    return [node.service.where for node in nodes]


async def test_the_least_busy_comes_first() -> None:
    one, two = node("one"), node("two")
    with one.borrow(), two.borrow(), one.borrow():
        assert names(preferred([one, two])) == ["two", "one"]
    assert one.streams == two.streams == 0


async def test_a_stream_goes_to_the_connection_with_the_fewest() -> None:
    many = node("many", channels=3)
    with many.borrow(), many.borrow(), many.borrow(), many.borrow():
        assert sorted(channel.streams for channel in many.channels) == [1, 1, 2]


async def test_a_dead_node_rests_longer_each_time_and_one_stream_tries_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    dead, alive = node("dead"), node("alive")
    for rest in (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
        dead.failed(error("unavailable"))
        with alive.borrow():  # busier, and still the first
            assert names(preferred([dead, alive])) == ["alive", "dead"]
            await trio.sleep(rest - 0.01)
            assert dead.resting()
            await trio.sleep(0.02)
            assert names(preferred([dead, alive])) == ["dead", "alive"]
            with dead.borrow():
                assert dead.resting()  # the next call does not wait for the same trial
    dead.well()
    await trio.sleep(31)
    dead.failed(error("unavailable"))
    await trio.sleep(1.01)
    assert not dead.resting()


async def test_a_full_node_is_passed_by_for_a_second(autojump_clock: trio.testing.MockClock) -> None:
    full = node("full")
    full.failed(error("overloaded"))
    assert full.resting()
    await trio.sleep(1.01)
    assert not full.resting()


async def test_what_tells_about_a_stream_says_nothing_about_the_node() -> None:
    well = node("well")
    for reason in ("duration", "no_audio", "ended", "refused", "broken"):
        well.failed(error(reason))
    assert not well.resting()


def test_connections_are_enough_for_the_calls_and_their_rotations() -> None:
    assert [channels_for(calls) for calls in (1, 40, 41, 200)] == [1, 1, 2, 5]
