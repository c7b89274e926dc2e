"""What every recogniser promises (`callengine.ports.recognition`).

A recogniser joins by a line in `CASES`: how to open it, and one utterance that it understands at 8 kHz.
"""

import array
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import trio
import trio.testing

from backends.stt.scripted import LIMITS, ScriptedRecognizer
from callengine.config import load_settings
from callengine.errors import RecognizerError
from callengine.ports.recognition import (
    Final,
    Interim,
    Recognizer,
    RecognizerEvent,
    RecognizerStream,
    SpeechEnded,
    SpeechStarted,
    StreamSpec,
)
from tests.examples import HOWTO, load_example
from tests.recognizers import open_google, open_whisper
from tests.speech import FIXTURES, load

RATE = 8000
SPEC = StreamSpec("en-GB", RATE)
PATIENCE_SECONDS = 60.0  # a guard against hanging, not a measurement
CHUNK = 1600  # 100 ms
KEYPAD = HOWTO / "keypad_recogniser"
KEYPAD_MODULE = "keypad_recogniser/keypad_recogniser.py"


@dataclass(frozen=True, slots=True)
class Case:
    """A recogniser, and an utterance (slin) it hears as `text` (compared in lower case)."""

    open: Callable[[], AbstractAsyncContextManager[Recognizer]]
    utterance: bytes
    text: str


@asynccontextmanager
async def open_scripted() -> AsyncIterator[Recognizer]:
    yield ScriptedRecognizer(["Winter tyres please."], interim_every_seconds=0.2)


def tone(seconds: float) -> bytes:
    return array.array("h", [3000, -3000] * round(seconds * RATE / 2)).tobytes()


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


def scripted_case(_request: pytest.FixtureRequest) -> Case:
    return Case(open_scripted, tone(1.0), "winter tyres please.")


def prompt() -> bytes:
    """A voice from a telephone exchange."""
    [clip] = [clip for clip in load(FIXTURES / "en") if clip.name == "one-moment-please"]
    return clip.slin


def whisper_case(request: pytest.FixtureRequest) -> Case:
    """Our own server with the base model, over the bridge."""
    address = request.getfixturevalue("whisper_address")
    return Case(partial(open_whisper, f"grpc://{address}"), prompt(), "one moment please.")


def keypad_case(_request: pytest.FixtureRequest) -> Case:
    """A third party's, as docs/howto/own-recogniser.md shows it, on tones of its keys 1, 2 and 3."""
    keypad = load_example(KEYPAD_MODULE)
    open_keypad = partial(keypad.open_recognizer, load_settings({}), None)
    return Case(open_keypad, b"".join(dtmf(high) + silence(0.08) for high in keypad.HIGH[:3]), "1 2 3")


def dtmf(high: int) -> bytes:
    """A key of the first row, for 120 ms."""
    times = np.arange(RATE * 12 // 100) / RATE
    both = np.sin(2 * np.pi * 697 * times) + np.sin(2 * np.pi * high * times)
    return bytes((5000 * both).astype("<i2").tobytes())


def google_case(request: pytest.FixtureRequest, version: str) -> Case:
    """Google's client, for which our own server stands in for Google."""
    address = request.getfixturevalue("whisper_address")
    return Case(partial(open_google, address, GOOGLE_STT_API_VERSION=version), prompt(), "one moment please.")


CASES: dict[str, Callable[[pytest.FixtureRequest], Case]] = {
    "scripted": scripted_case,
    "keypad": keypad_case,
    "whisper": whisper_case,
    "google": partial(google_case, version="v2"),
    "google-v1": partial(google_case, version="v1"),
}
REAL = [pytest.param(name, marks=pytest.mark.integration) for name in ("whisper", "google", "google-v1")]


@pytest.fixture(params=["scripted", "keypad", *REAL])
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param](request)


async def send(stream: RecognizerStream, slin: bytes) -> None:
    for at in range(0, len(slin), CHUNK):
        await stream.send(slin[at : at + CHUNK])


async def events_until_end(stream: RecognizerStream) -> list[RecognizerEvent]:
    events = []
    with trio.fail_after(PATIENCE_SECONDS):
        while (event := await stream.receive()) is not None:
            events.append(event)
    return events


async def heard(recognizer: Recognizer, slin: bytes) -> list[RecognizerEvent]:
    async with recognizer.open_stream(SPEC) as stream:
        await send(stream, slin)
        await stream.finish()
        return await events_until_end(stream)


async def test_check_passes(case: Case) -> None:
    async with case.open() as recognizer:
        await recognizer.check()


async def test_an_utterance_becomes_one_final_with_its_place(case: Case) -> None:
    async with case.open() as recognizer:
        events = await heard(recognizer, silence(0.5) + case.utterance + silence(1.5))
    finals = [event for event in events if isinstance(event, Final)]
    assert "".join(final.text for final in finals).strip().lower() == case.text
    begin, end = 0.5 * RATE, 0.5 * RATE + len(case.utterance) / 2
    assert begin - 0.4 * RATE <= finals[0].start < finals[-1].end <= end + 1.0 * RATE
    assert all(0.0 <= final.confidence <= 1.0 for final in finals)


async def test_finals_do_not_overlap_and_interims_come_before(case: Case) -> None:
    async with case.open() as recognizer:
        events = await heard(recognizer, (silence(0.5) + case.utterance + silence(1.5)) * 2)
    finals = [event for event in events if isinstance(event, Final)]
    assert len(finals) >= 2
    assert all(one.end <= two.start for one, two in pairwise(finals))
    done = 0
    for event in events:
        if isinstance(event, Final):
            done = event.end
        elif isinstance(event, Interim):
            assert event.end > done
            assert 0.0 <= event.stability <= 1.0


async def test_speech_starts_before_it_ends(case: Case) -> None:
    async with case.open() as recognizer:
        events = await heard(recognizer, silence(0.5) + case.utterance + silence(1.5))
    marks = [event for event in events if isinstance(event, SpeechStarted | SpeechEnded)]
    assert [type(mark) for mark in marks] == [SpeechStarted, SpeechEnded] * (len(marks) // 2)
    assert [mark.position for mark in marks] == sorted(mark.position for mark in marks)


async def test_silence_has_no_words(case: Case) -> None:
    async with case.open() as recognizer:
        events = await heard(recognizer, silence(3.0))
    assert not [event for event in events if isinstance(event, Final | Interim) and event.text.strip()]


async def test_finish_owes_the_final_of_speech_that_was_cut(case: Case) -> None:
    async with case.open() as recognizer:
        events = await heard(recognizer, silence(0.5) + case.utterance)
    assert [event for event in events if isinstance(event, Final)]


async def test_a_chunk_beyond_the_limit_is_refused(case: Case) -> None:
    async with case.open() as recognizer, recognizer.open_stream(SPEC) as stream:
        with pytest.raises(RecognizerError) as caught:
            await stream.send(bytes(recognizer.limits.max_chunk_bytes + 2))
        assert not caught.value.retryable


async def test_leaving_in_the_middle_does_not_break_the_next_stream(case: Case) -> None:
    async with case.open() as recognizer:
        async with recognizer.open_stream(SPEC) as stream:
            await send(stream, case.utterance)
        events = await heard(recognizer, silence(0.5) + case.utterance + silence(1.5))
    assert [event for event in events if isinstance(event, Final)]


async def test_streams_of_many_calls_do_not_mix(case: Case) -> None:
    finals: dict[int, list[RecognizerEvent]] = {}

    async def one(recognizer: Recognizer, number: int) -> None:
        slin = silence(0.5) + (case.utterance if number % 2 else silence(1.0)) + silence(1.5)
        finals[number] = [event for event in await heard(recognizer, slin) if isinstance(event, Final)]

    async with case.open() as recognizer, trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(one, recognizer, number)
    assert [bool(finals[number]) for number in range(4)] == [False, True, False, True]


def test_the_example_is_registered_as_it_says() -> None:
    project = tomllib.loads((KEYPAD / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["entry-points"]["callengine.stt"]["keypad"].partition(":")
    assert module == "keypad_recogniser"
    assert callable(getattr(load_example(KEYPAD_MODULE), function))


# What only the scripted one can be told to do.


async def test_scripted_final_comes_with_its_delay(autojump_clock: trio.testing.MockClock) -> None:
    async with ScriptedRecognizer(["Yes.", "No."], final_delay_seconds=0.7).open_stream(SPEC) as stream:
        started = trio.current_time()
        await send(stream, (tone(0.5) + silence(0.5)) * 3)
        texts = []
        await stream.finish()
        while (event := await stream.receive()) is not None:
            if isinstance(event, Final):
                texts.append((event.text, event.start, event.end, round(trio.current_time() - started, 6)))
    assert texts == [
        ("Yes.", 0, 4000, 0.7),
        ("No.", 8000, 12000, 0.7),
        ("Yes.", 16000, 20000, 0.7),
    ]


async def test_scripted_stream_breaks_where_it_is_told_to() -> None:
    async with ScriptedRecognizer(["Yes."], fail_after=1.0).open_stream(SPEC) as stream:
        with pytest.raises(RecognizerError, match="as its script says") as caught:
            await send(stream, silence(2.0))
        assert caught.value.retryable
        with pytest.raises(RecognizerError):
            await stream.receive()


async def test_scripted_stream_has_a_longest_duration() -> None:
    limits = LIMITS.__class__(max_seconds=1.0, idle_seconds=None, max_chunk_bytes=15360, bills_silence=True)
    async with ScriptedRecognizer(["Yes."], limits=limits).open_stream(SPEC) as stream:
        with pytest.raises(RecognizerError, match="longest duration"):
            await send(stream, silence(2.0))


async def test_scripted_goes_on_in_the_next_stream() -> None:
    recognizer = ScriptedRecognizer(["One.", "Two."], goes_on=True)
    texts = []
    for _ in range(2):
        texts += [event.text for event in await heard(recognizer, tone(0.3)) if isinstance(event, Final)]
    assert texts == ["One.", "Two."]
