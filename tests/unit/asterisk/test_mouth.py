"""What a telephone sends each packet time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.asterisk import alaw
from tests.asterisk.mouth import Habits, Mouth, Sent
from tests.asterisk.rtp import PCMA, TELEPHONE_EVENT

SPEECH = alaw.through_alaw((np.arange(1600) * 20 - 16000).astype(np.int16))


def ticks(mouth: Mouth, count: int) -> list[list[Sent]]:
    return [mouth.tick() for _ in range(count)]


def sent(mouth: Mouth, count: int) -> list[Sent]:
    return [packet for tick in ticks(mouth, count) for packet in tick]


@pytest.mark.parametrize("ptime_ms", [20, 30])
def test_speech_goes_out_whole_and_then_silence(ptime_ms: int) -> None:
    mouth = Mouth(Habits(ptime_ms=ptime_ms))
    saying = mouth.say(SPEECH)
    packets = [item.packet for item in sent(mouth, 20)]
    assert saying.done
    samples = 8 * ptime_ms
    assert all(len(packet.payload) == samples for packet in packets)
    assert np.array_equal(alaw.decode(b"".join(packet.payload for packet in packets))[: len(SPEECH)], SPEECH)
    assert packets[-1].payload == bytes([alaw.SILENCE]) * samples
    assert [packet.timestamp for packet in packets] == [samples * n for n in range(20)]
    assert [packet.sequence for packet in packets] == list(range(1, 21))
    assert [packet.marker for packet in packets] == [True] + 19 * [False]


def test_a_phone_that_saves_packets_sends_speech_only() -> None:
    mouth = Mouth(Habits(suppresses_silence=True))
    assert sent(mouth, 5) == []
    mouth.say(SPEECH)
    packets = [item.packet for item in sent(mouth, 30)]
    assert (len(packets), packets[0].marker, packets[0].timestamp, packets[0].sequence) == (10, True, 800, 1)


def test_muted_time_goes_on_and_nothing_is_counted() -> None:
    mouth = Mouth(Habits())
    before = sent(mouth, 1)[0].packet
    mouth.muted = True
    assert sent(mouth, 500) == []
    mouth.muted = False
    after = sent(mouth, 1)[0].packet
    assert (after.sequence, after.timestamp) == (before.sequence + 1, 501 * 160)
    assert after.marker


def test_a_key_is_a_hole_in_the_audio_with_its_end_three_times() -> None:
    mouth = Mouth(Habits())
    (key,) = mouth.press("5", hold_ms=100)
    packets = [item.packet for item in sent(mouth, 9)]
    assert key.done
    events = [packet for packet in packets if packet.payload_type == TELEPHONE_EVENT]
    assert [packet.timestamp for packet in events] == [0] * 7
    assert [packet.marker for packet in events] == [True] + 6 * [False]
    assert [packet.payload[1] >> 7 for packet in events] == [0, 0, 0, 0, 1, 1, 1]
    assert [packet.timestamp for packet in packets if packet.payload_type == PCMA] == [800, 960, 1120, 1280]
    assert [packet.sequence for packet in packets] == list(range(1, 12))


def test_what_is_no_key_is_not_pressed() -> None:
    mouth = Mouth(Habits())
    with pytest.raises(ValueError, match="'x' is not a telephone key"):
        mouth.press("1x")
    assert sent(mouth, 1)[0].packet.payload_type == PCMA


@given(st.integers(0, 2**32), st.floats(0, 1))
def test_a_line_loses_the_same_packets_again(seed: int, loss: float) -> None:
    first, again = (sent(Mouth(Habits(loss=loss, seed=seed)), 100) for _ in range(2))
    assert first == again
    assert [item.packet.sequence for item in first] == list(range(1, 101))


def test_a_tenth_is_a_tenth() -> None:
    assert 150 < sum(item.lost for item in sent(Mouth(Habits(loss=0.1, seed=1)), 2000)) < 250
