"""What a stream is sent and which transcripts count, by hand: the cases behind the simulations of whole streams."""

from dataclasses import replace
from itertools import pairwise

import pytest

from callengine.call.hearing import (
    FORCED,
    HANG_OVER,
    PRE_ROLL,
    QUIET_REPLAY,
    SETTLED,
    SILENCE_CHUNK,
    SPEECH_CHUNK,
    UNSURE_CHUNK,
    Hearing,
    Sound,
)
from callengine.media.audio import RATE

CHUNK = 7680


def silence(end: int, start: int = 0, until: int = 0) -> Sound:
    return Sound(start, end, voiced=False, speaking=False, since=None, until=until, seen=end)


def speech(end: int, since: int, start: int = 0) -> Sound:
    return Sound(start, end, voiced=True, speaking=True, since=since, until=0, seen=end)


def paused(end: int, since: int, until: int, start: int = 0) -> Sound:
    return Sound(start, end, voiced=False, speaking=False, since=since, until=until, seen=end)


def sent(hearing: Hearing, sound: Sound) -> list[tuple[int, int]]:
    """What is sent at one look, in one piece where it is one."""
    hearing.look(sound)
    spans: list[tuple[int, int]] = []
    while (part := hearing.next_part(sound.start, CHUNK)) is not None:
        assert part[1] - part[0] <= CHUNK
        if spans and spans[-1][1] == part[0]:
            spans[-1] = (spans[-1][0], part[1])
        else:
            spans.append(part)
    return spans


def opened(sound: Sound, idle: float | None = None) -> Hearing:
    hearing = Hearing()
    hearing.open(sound, idle)
    sent(hearing, sound)
    return hearing


def test_messages_are_few_where_nobody_waits_for_them() -> None:
    """Confirmed speech wakes who looks at once, whatever he waits for."""
    hearing, end = opened(silence(RATE)), RATE
    unsure = replace(silence(end), voiced=True)
    assert hearing.next_look(silence(end)) == end + SILENCE_CHUNK
    assert hearing.next_look(unsure) == end + UNSURE_CHUNK
    assert hearing.next_look(speech(end, since=0)) == end + SPEECH_CHUNK
    assert hearing.next_look(paused(end, since=0, until=end)) == end + SPEECH_CHUNK, "a final is owed"
    assert opened(silence(RATE), idle=5.0 * RATE).next_look(silence(end)) == end + UNSURE_CHUNK
    long = Hearing(RATE * 9 // 10)
    long.open(silence(RATE))
    sent(long, silence(RATE))
    assert {long.next_look(sound) for sound in (silence(end), unsure, speech(end, 0))} == {end + RATE * 9 // 10}


def test_a_new_stream_is_sent_what_no_final_covers() -> None:
    hearing = opened(speech(4 * RATE, since=RATE))
    assert hearing.take_final(0, 2 * RATE) == (RATE - PRE_ROLL, 2 * RATE + RATE - PRE_ROLL)
    hearing.open(speech(5 * RATE, since=RATE))
    assert sent(hearing, speech(6 * RATE, since=RATE)) == [(hearing.final, 6 * RATE)]


def test_a_new_stream_in_silence_is_sent_a_little_of_it() -> None:
    hearing = opened(silence(20 * RATE))
    assert hearing.owed_from(silence(30 * RATE)) == 30 * RATE - QUIET_REPLAY


def test_what_an_interim_covers_is_owed_though_no_voice_was_detected() -> None:
    hearing = opened(silence(RATE))
    sent(hearing, silence(6 * RATE))
    assert hearing.take_interim(5 * RATE, "да") == (0, 5 * RATE)
    assert hearing.owed_from(silence(7 * RATE)) == 0
    sent(hearing, silence(8 * RATE))
    assert hearing.take_interim(6 * RATE, "") == (0, 6 * RATE)
    assert hearing.owed_from(silence(8 * RATE)) == 8 * RATE - QUIET_REPLAY


def test_an_interim_of_what_is_final_does_not_count() -> None:
    hearing = opened(speech(4 * RATE, since=PRE_ROLL))
    hearing.take_final(0, 3 * RATE)
    assert hearing.take_interim(3 * RATE, "да") is None
    assert hearing.take_interim(4 * RATE, "да") == (3 * RATE, 4 * RATE)


@pytest.mark.parametrize(("start", "end"), [(0, 2 * RATE), (RATE, 3 * RATE), (RATE, 3 * RATE + RATE // 2)])
def test_a_final_of_what_is_final_does_not_count(start: int, end: int) -> None:
    hearing = opened(speech(4 * RATE, since=PRE_ROLL))
    assert hearing.take_final(0, 3 * RATE) == (0, 3 * RATE)
    assert hearing.take_final(start, end) is None
    assert hearing.take_final(3 * RATE, 4 * RATE) == (3 * RATE, 4 * RATE)


def test_a_final_forced_in_mid_speech_is_left_to_the_next_stream() -> None:
    hearing = opened(speech(8 * RATE, since=PRE_ROLL))
    hearing.close(speech(8 * RATE, since=PRE_ROLL))
    assert hearing.take_final(0, 5 * RATE) == (0, 5 * RATE), "one that was on its way"
    assert hearing.take_interim(7 * RATE, "да") is None
    assert hearing.take_final(5 * RATE, 8 * RATE - FORCED + 1) is None
    hearing.open(speech(9 * RATE, since=PRE_ROLL))
    assert sent(hearing, speech(9 * RATE, since=PRE_ROLL)) == [(5 * RATE, 9 * RATE)]


def test_a_final_after_a_half_close_in_silence_counts() -> None:
    sound = paused(4 * RATE, since=PRE_ROLL, until=3 * RATE)
    hearing = opened(sound)
    hearing.close(sound)
    assert hearing.take_final(0, 4 * RATE) == (0, 4 * RATE)


def test_speech_is_settled_by_a_final_or_by_long_silence_of_the_stream() -> None:
    until = 3 * RATE
    hearing = opened(paused(4 * RATE, RATE, until))
    sent(hearing, paused(until + SETTLED - 1, RATE, until))
    assert not hearing.settles(paused(until + SETTLED - 1, RATE, until), may_be_noise=True)
    assert hearing.take_final(0, until - PRE_ROLL) is not None
    assert hearing.settles(paused(until + SETTLED - 1, RATE, until), may_be_noise=True)
    hearing = opened(paused(4 * RATE, RATE, until))
    sent(hearing, paused(4 * RATE + SETTLED, RATE, until))
    assert hearing.settles(paused(4 * RATE + SETTLED, RATE, until), may_be_noise=True), "a noise"


def test_speech_that_words_are_owed_for_is_no_noise() -> None:
    hearing, later = opened(paused(4 * RATE, RATE, 3 * RATE)), paused(60 * RATE, RATE, 3 * RATE)
    sent(hearing, later)
    assert not hearing.settles(later, may_be_noise=False)


def test_the_time_without_a_stream_settles_nothing() -> None:
    hearing, until = Hearing(), 3 * RATE
    late = paused(until + 10 * SETTLED, RATE, until)
    hearing.open(late)
    assert sent(hearing, late)[0][0] == RATE - PRE_ROLL
    assert not hearing.settles(late, may_be_noise=True)


def test_audio_beyond_the_ring_is_lost_once_and_moves_no_position() -> None:
    """A stream that could not be sent for longer than the ring holds: what follows is where it is."""
    hearing = opened(speech(2 * RATE, since=PRE_ROLL))
    sound = speech(70 * RATE, since=PRE_ROLL, start=10 * RATE)
    assert sent(hearing, sound) == [(10 * RATE, 70 * RATE)]
    assert hearing.lost == [(2 * RATE, 10 * RATE)]
    assert hearing.take_final(RATE, 3 * RATE) == (RATE, 11 * RATE)
    assert hearing.take_final(3 * RATE, 62 * RATE) == (11 * RATE, 70 * RATE)


def test_what_fell_out_of_the_ring_without_a_stream_is_lost_once() -> None:
    hearing = Hearing()
    hearing.open(speech(70 * RATE, since=RATE, start=10 * RATE))
    hearing.open(speech(75 * RATE, since=RATE, start=15 * RATE))
    assert hearing.lost == [(RATE - PRE_ROLL, 10 * RATE), (10 * RATE, 15 * RATE)]


def test_silence_that_falls_out_of_the_ring_is_no_loss() -> None:
    hearing = Hearing()
    hearing.open(silence(100 * RATE, start=40 * RATE))
    assert hearing.lost == []


@pytest.mark.parametrize("longest", [300.0, 100.0])
def test_a_stream_rotates_in_the_first_silence_late_in_its_life_or_at_its_end(longest: float) -> None:
    hearing = opened(silence(RATE))
    quiet, loud = silence(2 * RATE), speech(2 * RATE, since=RATE)
    late, last = 0.8 * longest, 0.95 * longest
    assert not hearing.rotates(quiet, late - 1, longest)
    assert hearing.rotates(quiet, late, longest)
    assert not hearing.rotates(loud, last - 1, longest)
    assert hearing.rotates(loud, last, longest)
    sent(hearing, loud)
    hearing.take_final(0, RATE + 100)
    assert hearing.rotates(loud, late, longest), "a final in mid-speech is as good as silence"
    assert not hearing.rotates(quiet, 1e9, None)


def test_what_was_replayed_makes_a_stream_older() -> None:
    hearing = opened(speech(60 * RATE, since=PRE_ROLL))
    assert hearing.rotates(speech(60 * RATE, since=PRE_ROLL), 1.0, 60.0)


# The gate


def test_silence_is_held_back_and_what_lies_before_speech_is_sent() -> None:
    hearing = opened(silence(RATE), idle=10.0 * RATE)
    assert sent(hearing, silence(RATE + HANG_OVER)) == [(RATE, RATE + HANG_OVER)]
    assert sent(hearing, silence(5 * RATE)) == []
    assert sent(hearing, silence(6 * RATE)) == []
    begin = 6 * RATE - PRE_ROLL
    assert sent(hearing, speech(6 * RATE + 2400, since=6 * RATE + 100)) == [(begin, 6 * RATE + 2400)]
    streamed = RATE + HANG_OVER
    assert hearing.take_final(streamed + PRE_ROLL, streamed + PRE_ROLL + 2000) == (6 * RATE, 6 * RATE + 2000)


def test_a_stream_with_a_time_limit_for_silence_is_kept_alive() -> None:
    hearing = opened(silence(RATE), idle=4.0 * RATE)
    sent(hearing, silence(3 * RATE))
    parts = [part for tenth in range(30, 130) for part in sent(hearing, silence(tenth * RATE // 10))]
    assert all(end - begin == SPEECH_CHUNK for begin, end in parts[1:])
    ends = [end for _, end in parts]
    assert max(two - one for one, two in pairwise(ends)) <= 2.1 * RATE
    assert hearing.placed.length < 5 * RATE


def test_silence_behind_speech_is_streamed() -> None:
    hearing = opened(speech(4 * RATE, since=PRE_ROLL), idle=10.0 * RATE)
    hearing.take_final(0, 3 * RATE)
    assert sent(hearing, silence(4 * RATE + HANG_OVER, until=3 * RATE)) == [(4 * RATE, 4 * RATE + HANG_OVER)]
    assert sent(hearing, silence(4 * RATE + HANG_OVER + RATE, until=3 * RATE)) == []


def test_what_the_detector_has_not_looked_at_settles_nothing() -> None:
    hearing = opened(silence(0))
    long_ago = paused(SETTLED + 3 * RATE, since=RATE, until=2 * RATE)
    sent(hearing, long_ago)
    assert not hearing.settles(replace(long_ago, voiced=True, seen=3 * RATE), may_be_noise=True)
    assert hearing.settles(long_ago, may_be_noise=True)


def test_what_the_detector_has_not_looked_at_is_owed() -> None:
    """A stream that is opened late on a busy machine: the first word may be in there (measured: it was)."""
    behind = replace(silence(8 * RATE), voiced=True, seen=3 * RATE)
    hearing = Hearing()
    hearing.open(behind)
    assert sent(hearing, behind) == [(3 * RATE - QUIET_REPLAY, 8 * RATE)]
