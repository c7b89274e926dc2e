"""What is found wrong with a stream of RTP."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.asterisk import alaw
from tests.asterisk.heard import StreamFaults, Timed, audio_of, is_sound, last_sound, spacings_ms, stream_faults
from tests.asterisk.rtp import PCMA, TELEPHONE_EVENT, Packet


def stream(count: int, first: int = 0) -> list[Timed]:
    """Packets each 20 ms."""
    return [Timed(n * 0.02, Packet(PCMA, (first + n) % 2**16, 160 * n, bytes([n % 256]) * 160)) for n in range(count)]


@given(st.integers(0, 2**16 - 1), st.integers(0, 300))
def test_nothing_is_wrong_with_a_whole_stream(first: int, count: int) -> None:
    packets = stream(count, first)
    assert stream_faults(packets) == StreamFaults((), (), (), 0, 0)
    assert spacings_ms(packets) == pytest.approx([20.0] * (count - 1 if count else 0))
    assert len(audio_of(packets).samples) == 160 * count


@given(st.integers(0, 2**16 - 1), st.integers(2, 97))
def test_each_fault_alone(first: int, at: int) -> None:
    whole = stream(100, first)
    number = whole[at].packet.sequence
    lost = stream_faults(whole[:at] + whole[at + 1 :])
    assert (lost.lost, lost.doubled, lost.reordered, lost.jumps) == ((number,), (), (), 1)
    doubled = stream_faults(whole[: at + 1] + whole[at:])
    assert (doubled.lost, doubled.doubled, doubled.reordered) == ((), (number,), ())
    swapped = stream_faults([*whole[:at], whole[at + 1], whole[at], *whole[at + 2 :]])
    assert (swapped.lost, swapped.doubled, swapped.reordered) == ((), (), (number,))
    late = [Timed(timed.at + 0.1 * (n >= at), timed.packet) for n, timed in enumerate(whole)]
    assert stream_faults(late) == StreamFaults((), (), (), 0, 1)


def test_a_key_is_no_gap() -> None:
    before, after = stream(20)[:8], stream(20)[14:]
    key = [Timed(0.16 + n * 0.02, Packet(TELEPHONE_EVENT, 8 + n, 1280, b"\x05\x0a\x00\xa0")) for n in range(6)]
    assert stream_faults(before + key + after) == StreamFaults((), (), (), 0, 0)
    assert len(audio_of(before + key + after).samples) == 14 * 160


def test_what_the_line_kept_is_left_out_unless_asked_for() -> None:
    packets = [Timed(timed.at, timed.packet, n == 1) for n, timed in enumerate(stream(3))]
    audio = audio_of(packets)
    assert (audio.begins, audio.times) == ((0, 160), (0.0, 0.04))
    assert audio.time_of(159) == 0.0
    assert audio.time_of(160) == 0.04
    assert len(audio_of(packets, lost=True).samples) == 480


def test_a_lines_silence_is_no_sound() -> None:
    assert not is_sound(Packet(PCMA, 0, 0, b"\xd5" * 160))
    assert is_sound(Packet(PCMA, 0, 0, b"\xd5" * 159 + b"\xaa"))
    assert not np.any([is_sound(Packet(TELEPHONE_EVENT, 0, 0, b"\xaa" * 4))])


def test_the_end_of_speech_is_its_last_packet_with_something_to_be_heard() -> None:
    speech = np.concatenate([np.full(500, 3000, np.int16), np.zeros(700, np.int16)])
    assert last_sound(speech) == alaw.encode(speech[480:640])
    assert last_sound(speech[:500]) == last_sound(speech), "a last packet is filled up with silence"
