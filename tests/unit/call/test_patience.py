"""When a stream that says nothing counts as hung, and when the sound was only a noise."""

import pytest

from callengine.call.hearing import Sound
from callengine.call.patience import HANG_SECONDS, LEAST_SPEECH, MOST_HANGS, MOST_SURE_HANGS, WHILE_SPEAKING, Patience
from callengine.media.audio import RATE
from callengine.ports.recognition import Final, Interim, RecognizerEvent, SpeechEnded, SpeechStarted


def sound(now: float, spoke: tuple[float, float]) -> Sound:
    """A look at call time `now`, where somebody has spoken from when to when."""
    begin, end = (round(at * RATE) for at in spoke)
    speaking = now < spoke[1]
    seen = round(now * RATE)
    return Sound(0, seen, speaking, speaking, begin, 0 if speaking else end, seen)


def hung_at(patience: Patience, spoke: tuple[float, float], since: float = 0.0, until: float = 30.0) -> float | None:
    """The call time at which the stream counts as hung, looked at ten times a second."""
    for tenth in range(round(since * 10), round(until * 10)):
        if tenth / 10 >= spoke[0] + 0.1 and patience.ends(sound(tenth / 10, spoke), tenth / 10):
            return tenth / 10
    return None


def test_nothing_said_about_speech_is_a_hang_a_while_after_its_end() -> None:
    patience = Patience()
    patience.begin(0)
    assert hung_at(patience, (1.0, 3.0)) == pytest.approx(3.0 + HANG_SECONDS, abs=0.11)
    assert patience.sure
    assert patience.hangs == 1


def test_while_somebody_speaks_it_takes_longer() -> None:
    patience = Patience()
    patience.begin(0)
    hung = hung_at(patience, (1.0, 60.0))
    assert hung == pytest.approx(1.0 + HANG_SECONDS * WHILE_SPEAKING, abs=0.5)


def test_a_short_noise_is_nobodys_fault() -> None:
    patience = Patience()
    patience.begin(0)
    assert hung_at(patience, (1.0, 1.0 + (LEAST_SPEECH - 80) / RATE)) is None
    assert hung_at(patience, (1.0, 1.5)) is not None
    assert not patience.sure


def test_silence_that_the_detector_has_not_looked_at_is_none() -> None:
    """On a busy machine it is seconds behind, in the middle of speech as far as anyone can tell (measured: 8 s)."""
    patience = Patience()
    patience.begin(0)
    for second in range(2, 11):
        behind = Sound(0, second * RATE, True, False, RATE, 2 * RATE, 3 * RATE)
        assert not patience.ends(behind, float(second))
    caught_up = Sound(0, 11 * RATE, False, False, RATE, 2 * RATE, 11 * RATE)
    assert patience.ends(caught_up, 11.0)


@pytest.mark.parametrize(
    ("events", "hangs"),
    [
        ([SpeechStarted(RATE)], True),
        ([SpeechStarted(RATE), SpeechEnded(3 * RATE)], False),
        ([Interim("да", 0.9, 3 * RATE)], True),
        ([Interim("да", 0.9, 3 * RATE), SpeechEnded(3 * RATE)], True),
        ([Interim("да", 0.9, 2 * RATE), Final("да", RATE, 3 * RATE, 0.9)], False),
        ([Final("да", RATE, 2 * RATE, 0.9)], True),
    ],
)
def test_what_a_stream_has_said_counts_for_the_audio_it_said_it_of(events: list[RecognizerEvent], hangs: bool) -> None:
    patience = Patience()
    patience.begin(0)
    for event in events:
        about = event.end if isinstance(event, Interim | Final) else event.position
        patience.hear(event, about)
    assert (hung_at(patience, (1.0, 3.0)) is not None) is hangs


def test_what_three_streams_say_nothing_about_may_be_a_noise() -> None:
    patience, now = Patience(), 0.0
    for _ in range(MOST_HANGS):
        patience.begin(0)
        assert not patience.for_noise(sound(now + 5, (1.0, 2.0)))
        hung = hung_at(patience, (1.0, 2.0), since=now)
        assert hung is not None
        now = hung
    assert patience.for_noise(sound(now, (1.0, 2.0)))
    patience.settle()
    assert patience.hangs == 0


def test_what_is_too_long_for_a_noise_is_none_however_often_streams_hang() -> None:
    patience, now, waits = Patience(), 5.0, []
    for _ in range(MOST_SURE_HANGS + 2):
        patience.begin(0)
        hung = hung_at(patience, (1.0, 5.0), since=now, until=now + 60)
        assert hung is not None
        assert patience.sure
        assert not patience.for_noise(sound(hung, (1.0, 5.0)))
        waits.append(round(hung - now))
        now = hung
    assert waits == [HANG_SECONDS] * MOST_SURE_HANGS + [2 * HANG_SECONDS, 4 * HANG_SECONDS]
