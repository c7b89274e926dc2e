"""Faults on purpose: the little language they are written in, and when each strikes."""

import grpc
import pytest
from whisper_server import dialect_v1, dialect_v2
from whisper_server.errors import Refused
from whisper_server.faults import GARBAGE, Faults, StreamFaults, read_faults


def stream(text: str) -> StreamFaults:
    return StreamFaults(read_faults(text), dialect_v2.TOO_LONG, opened=100.0)


def test_the_list_is_read() -> None:
    assert read_faults("") == Faults()
    assert read_faults(" limit=20, streams=1 ,slow_finals=0.5") == Faults(limit=20.0, streams=1, slow_finals=0.5)


def test_a_stream_is_too_long_by_its_audio_or_by_the_clock() -> None:
    fast = stream("limit=2")
    for _ in range(2):
        assert not fast.before(now=100.1)
        fast.heard(1.0)
    with pytest.raises(Refused) as refusal:
        fast.before(now=100.1)
    assert refusal.value.code == grpc.StatusCode.ABORTED
    assert refusal.value.text == "Max duration of 5 minutes reached for stream."
    with pytest.raises(Refused):
        stream("limit=2").before(now=102.0)
    assert dialect_v1.TOO_LONG.code == grpc.StatusCode.OUT_OF_RANGE


def test_it_breaks_off_after_so_many_messages() -> None:
    breaking = stream("unavailable=2")
    assert not any(breaking.before(now=100.0) for _ in range(2))
    with pytest.raises(Refused) as refusal:
        breaking.before(now=100.0)
    assert refusal.value.code == grpc.StatusCode.UNAVAILABLE


def test_garbage_comes_once_and_is_garbage() -> None:
    wild = stream("garbage=1")
    assert [wild.before(now=100.0) for _ in range(4)] == [False, True, False, False]
    for message in (dialect_v1.StreamingResponse, dialect_v2.StreamingResponse):
        with pytest.raises(Exception, match="Error parsing message"):
            message.FromString(GARBAGE)


def test_it_hangs_once_it_has_heard_enough() -> None:
    hanging = stream("hang=1.5")
    hanging.heard(1.4)
    assert not hanging.hung
    hanging.heard(0.1)
    assert hanging.hung
