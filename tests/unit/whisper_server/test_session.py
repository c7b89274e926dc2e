"""One stream's session over a scripted detector and a scripted queue: which audio is decoded, and when."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from whisper_server.audio import Encoding, Samples
from whisper_server.decoding import Decoded
from whisper_server.request import Request
from whisper_server.schedule import Urgency
from whisper_server.session import FinalDecode, InterimDecode, Session, SpeechBegan, SpeechStopped, Step
from whisper_server.transcript import Utterance

from tests.plain_asyncio import run_plain

WINDOW = 256


class LoudIsSpeech:
    """Calls a window speech when its first sample is not zero."""

    def __init__(self) -> None:
        self._held: list[int] = []

    def feed(self, samples: Samples) -> list[float]:
        self._held += samples.tolist()
        found = []
        while len(self._held) >= WINDOW:
            found.append(0.95 if self._held[0] else 0.01)
            del self._held[:WINDOW]
        return found


class Listened:
    """A session with its ear."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._ear = LoudIsSpeech()

    def feed(self, samples: Samples) -> list[Step]:
        return self.session.feed(samples, self._ear.feed(samples))


class Line:
    """A queue that decodes nothing and remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[Utterance, Decoded]] = []
        self.urgencies: dict[Decoded, Urgency] = {}

    def submit(self, utterance: Utterance, urgency: Urgency) -> Decoded:
        decoded: Decoded = asyncio.get_running_loop().create_future()
        self.given.append((utterance, decoded))
        self.urgencies[decoded] = urgency
        return decoded

    def confirm(self, decoded: Decoded) -> None:
        self.urgencies[decoded] = Urgency.FINAL

    def drop(self, decoded: Decoded) -> None:
        if not decoded.done():
            decoded.set_result(None)
            del self.urgencies[decoded]


def speech(seconds: float) -> Samples:
    return np.full(int(seconds * 8000) // WINDOW * WINDOW, 900, np.int16)


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * 8000) // WINDOW * WINDOW, np.int16)


def in_loop(check: Callable[[], None]) -> None:
    """Futures need a running loop; nothing here waits."""

    async def run() -> None:
        await asyncio.sleep(0)
        check()

    run_plain(run())


def open_session(line: Line, *, interim: bool = False, **changes: Any) -> Listened:
    request = Request(Encoding.LINEAR16, 8000, ("ru",), interim=interim, silence_ms=500, **changes)
    return Listened(Session(request, line))


def feed(session: Listened, *parts: Samples) -> list[Step]:
    audio = np.concatenate(parts)
    return [step for start in range(0, len(audio), 800) for step in session.feed(audio[start : start + 800])]


def test_the_decode_begun_in_the_pause_becomes_the_final() -> None:
    def check() -> None:
        line = Line()
        session = open_session(line)
        steps = feed(session, silence(1), speech(2), silence(0.3))
        assert list(line.urgencies.values()) == [Urgency.EARLY]
        steps += feed(session, silence(0.7))
        assert list(line.urgencies.values()) == [Urgency.FINAL]
        assert [type(step) for step in steps] == [SpeechBegan, SpeechStopped, FinalDecode]
        assert len(line.given) == 1
        final = steps[2]
        assert isinstance(final, FinalDecode)
        assert final.decoded is line.given[0][1]
        assert len(line.given[0][0].samples) == final.end - final.start
        assert final.spoken == len(silence(1)) + len(speech(2))
        assert final.start + line.given[0][0].silence * 8000 == len(silence(1))  # the pre-roll

    in_loop(check)


def test_speech_that_goes_on_discards_the_early_decode() -> None:
    def check() -> None:
        line = Line()
        steps = feed(open_session(line), speech(1), silence(0.3), speech(1), silence(1))
        first, second = (decoded for _, decoded in line.given)
        assert first not in line.urgencies
        assert [step.decoded for step in steps if isinstance(step, FinalDecode)] == [second]

    in_loop(check)


def test_an_interim_that_still_waits_does_not_hold_up_the_final() -> None:
    def check() -> None:
        line = Line()
        steps = feed(open_session(line, interim=True), speech(3), silence(1))
        assert [type(step) for step in steps] == [SpeechBegan, InterimDecode, SpeechStopped, FinalDecode]
        assert list(line.urgencies.values()) == [Urgency.FINAL], "the interim was dropped"

    in_loop(check)


def test_interims_come_each_second_and_wait_for_the_one_before() -> None:
    def check() -> None:
        line = Line()
        session = open_session(line, interim=True)
        steps = feed(session, speech(2.5))
        assert len([step for step in steps if isinstance(step, InterimDecode)]) == 1
        line.given[0][1].set_result(None)
        assert [type(step) for step in feed(session, speech(0.2))] == [InterimDecode]
        feed(session, silence(1))
        assert [utterance.interim for utterance, _ in line.given] == [True, True, False], "only the final is searched"

    in_loop(check)


def test_half_close_in_mid_word_gives_all_that_came() -> None:
    def check() -> None:
        line = Line()
        session = open_session(line)
        feed(session, speech(1))
        session.feed(np.full(100, 900, np.int16))
        stopped, final = session.session.finish()
        assert isinstance(final, FinalDecode)
        assert final.end == session.session.heard == len(speech(1)) + 100
        assert isinstance(stopped, SpeechStopped)

    in_loop(check)


def test_whoever_leaves_is_decoded_no_more() -> None:
    """Not even the finals: on a server that is behind, streams that left it would stand before those that came back."""

    def check() -> None:
        line = Line()
        session = open_session(line)
        feed(session, speech(1), silence(1), speech(1), silence(1), speech(2))
        decoded = line.given[0][1]
        decoded.set_result(None)
        waiting = list(line.urgencies)
        assert Urgency.FINAL in line.urgencies.values()
        session.session.close()
        assert all(one.done() for one in waiting)

    in_loop(check)


def test_silence_alone_says_nothing_and_holds_no_memory() -> None:
    def check() -> None:
        session = open_session(Line())
        assert feed(session, silence(30)) == []
        assert session.session.finish() == []
        assert len(session.session._audio._samples) < 8000

    in_loop(check)


def test_a_long_utterance_is_cut_where_it_is_quietest() -> None:
    def check() -> None:
        audio = speech(30)
        audio[8000 * 22 : 8000 * 22 + 1600] = 1
        line = Line()
        steps = feed(open_session(line), audio, silence(1))
        first, second = (step for step in steps if isinstance(step, FinalDecode))
        assert 8000 * 22 <= first.end <= 8000 * 22 + 1600
        assert second.start == first.end

    in_loop(check)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.1, 12)), min_size=1, max_size=8))
def test_no_speech_is_left_out_and_none_is_in_two_finals(parts: list[tuple[bool, float]]) -> None:
    def check() -> None:
        audio = np.concatenate([speech(seconds) if loud else silence(seconds) for loud, seconds in parts])
        session = open_session(Line())
        steps = feed(session, audio) + session.session.finish()
        finals = [step for step in steps if isinstance(step, FinalDecode)]
        covered = np.zeros(len(audio), int)
        for final in finals:
            covered[final.start : final.end] += 1
        assert covered.max(initial=0) <= 1
        began = [step.at for step in steps if isinstance(step, SpeechBegan)]
        stopped = [step.at for step in steps if isinstance(step, SpeechStopped)]
        for start, end in zip(began, stopped, strict=True):
            assert covered[start:end].all()

    in_loop(check)
