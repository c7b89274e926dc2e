"""What every voice promises (`callengine.ports.synthesis`), put to each as calls have it."""

from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
import trio
import trio.testing

from backends.tts import espeak, scripted
from backends.tts.shaping import Level
from callengine.errors import SynthesisError
from callengine.ports.synthesis import Prompt, SpeechChunk, Voice
from callengine.voice.speech import gather, speak_whole
from tests.google_voices import google_voices
from tests.voices import open_named, patient_voice

__all__ = ["patient_voice"]  # a fixture
RATE = 8000
RUSSIAN = Prompt("Есть зимние шины 205/55 R16, 12 500 рублей за штуку — берёте?", "ru-RU")
ENGLISH = Prompt('The order 1042 is ready, it costs 1,299.90 roubles. "Anything else?"', "en-GB")
PATIENCE_SECONDS = 60.0  # a guard against hanging, not a measurement
SAME = 0.01  # espeak adds a little noise: two speeches of a prompt are alike, not equal
GOOGLE = {"google, streaming": "Kore", "google, unary": "ru-RU-Wavenet-A,en-GB-Wavenet-A"}


MARKED_GOOGLE = [pytest.param(name, marks=pytest.mark.integration) for name in GOOGLE]


@pytest.fixture(scope="module")
def google() -> Iterator[str]:
    with google_voices() as address:
        yield address


@pytest.fixture(params=["scripted", "espeak", *MARKED_GOOGLE])
async def voice(request: pytest.FixtureRequest) -> AsyncIterator[Voice]:
    settings = {}
    if request.param in GOOGLE:
        address = request.getfixturevalue("google")
        settings = {
            "GOOGLE_TTS_ENDPOINT": f"grpc://{address}",
            "GOOGLE_TTS_VOICE": GOOGLE[request.param],
            "TTS_FALLBACK": "off",
        }
    async with open_named(request.param.split(",")[0], **settings) as opened:
        yield opened


async def test_check_passes(voice: Voice) -> None:
    await voice.check()


@pytest.mark.parametrize("prompt", [RUSSIAN, ENGLISH], ids=["ru", "en"])
async def test_speech_is_slin_of_a_likely_length(voice: Voice, prompt: Prompt) -> None:
    speech = await speak_whole(voice, prompt)
    assert len(speech.slin) % 2 == 0
    seconds = len(speech.slin) / 2 / RATE
    assert 0.05 * len(prompt.text) < seconds < 0.2 * len(prompt.text)
    samples = np.frombuffer(speech.slin, "<i2").astype(float)
    assert np.max(np.abs(samples)) < 32767


@pytest.mark.parametrize("prompt", [RUSSIAN, ENGLISH], ids=["ru", "en"])
async def test_all_voices_are_equally_loud(voice: Voice, prompt: Prompt) -> None:
    level = Level()
    level.hear(np.frombuffer((await speak_whole(voice, prompt)).slin, "<i2").astype(np.int16))
    assert 20 * np.log10(level.gain) == pytest.approx(0, abs=1.5)


@pytest.mark.parametrize("voice", ["espeak", *MARKED_GOOGLE], indirect=True)
async def test_a_prompt_begins_and_ends_without_a_click(voice: Voice) -> None:
    samples = np.frombuffer((await speak_whole(voice, RUSSIAN)).slin, "<i2").astype(int)
    assert np.max(np.abs(samples[:8])) < 200
    assert np.max(np.abs(samples[-8:])) < 200


@pytest.mark.parametrize("prompt", [RUSSIAN, ENGLISH], ids=["ru", "en"])
async def test_words_begin_in_the_chunk_that_names_them_and_in_order(voice: Voice, prompt: Prompt) -> None:
    position = 0
    starts: list[int] = []
    positions: list[int] = []
    async with voice.open_speech(prompt) as stream:
        while (chunk := await stream.receive()) is not None:
            end = position + len(chunk.slin) // 2
            assert all(position <= word.position < end for word in chunk.words)
            starts += [word.start for word in chunk.words]
            positions += [word.position for word in chunk.words]
            position = end
    text = prompt.text
    assert starts == sorted(set(starts))
    assert positions == sorted(positions)
    assert all(not text[at].isspace() and (at == 0 or text[at - 1].isspace()) for at in starts)
    assert starts[0] == 0
    assert len(starts) >= len(text.split()) // 2


async def test_a_faster_rate_is_shorter(voice: Voice) -> None:
    own = await speak_whole(voice, RUSSIAN)
    fast = await speak_whole(voice, Prompt(RUSSIAN.text, RUSSIAN.language, rate=1.5))
    assert len(fast.slin) < 0.85 * len(own.slin)


async def test_warm_makes_cached(voice: Voice) -> None:
    assert voice.cached(RUSSIAN) is None
    await voice.warm((RUSSIAN, ENGLISH))
    cached = voice.cached(RUSSIAN)
    assert cached is not None
    assert cached == await speak_whole(voice, RUSSIAN)
    assert voice.cached(Prompt(RUSSIAN.text, "ru-RU", rate=1.1)) is None


async def test_giving_up_a_prompt_does_not_break_the_next(voice: Voice) -> None:
    for _ in range(5):
        async with voice.open_speech(RUSSIAN) as stream:
            assert await stream.receive() is not None
    with trio.move_on_after(0):
        await speak_whole(voice, RUSSIAN)
    whole, again = await speak_whole(voice, ENGLISH), await speak_whole(voice, ENGLISH)
    assert [word.start for word in whole.words] == [word.start for word in again.words]
    assert len(whole.slin) == pytest.approx(len(again.slin), rel=SAME)


async def test_many_prompts_at_once_all_come_whole(voice: Voice) -> None:
    together: dict[int, SpeechChunk] = {}

    async def speak(number: int) -> None:
        together[number] = await speak_whole(voice, (RUSSIAN, ENGLISH)[number % 2])

    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(speak, number)
    alone = [await speak_whole(voice, prompt) for prompt in (RUSSIAN, ENGLISH)]
    lengths = [len(together[number].slin) for number in range(20)]
    assert lengths == pytest.approx([len(speech.slin) for speech in alone] * 10, rel=SAME)


@pytest.mark.parametrize("text", ["", " ", "—", "!?", "\N{GRINNING FACE}", "\x00\x01", "<b>&amp;</b>", "а" * 900])
async def test_odd_text_is_spoken_or_silent_never_fatal(voice: Voice, text: str) -> None:
    with trio.fail_after(PATIENCE_SECONDS):
        speech = await speak_whole(voice, Prompt(text, "ru-RU"))
    assert all(word.start < len(text) for word in speech.words)
    assert (await speak_whole(voice, RUSSIAN)).slin


async def test_espeak_names_the_languages_it_has() -> None:
    async with espeak.open_voice(None, None) as voice:
        with pytest.raises(SynthesisError, match="ru-RU, en-GB, en-US") as caught:
            async with voice.open_speech(Prompt("x", "zz-ZZ")):
                pass
        assert not caught.value.retryable
        with pytest.raises(SynthesisError, match="no variant 'nosuch'"):
            await speak_whole(voice, Prompt("x", "ru-RU", "nosuch"))
        with pytest.raises(SynthesisError, match="too long"):
            await speak_whole(voice, Prompt("x" * 4001, "ru-RU"))


async def test_a_scripted_voice_fails_where_it_is_told_to() -> None:
    with pytest.raises(SynthesisError):
        await gather(scripted.ScriptedVoice(fail_after=1).open_speech(RUSSIAN))


async def test_a_scripted_voice_keeps_its_pace(autojump_clock: trio.testing.MockClock) -> None:
    voice = scripted.ScriptedVoice(first_delay_seconds=0.3, chunk_delay_seconds=0.1, chunk_seconds=0.5)
    started = trio.current_time()
    arrivals = []
    async with voice.open_speech(Prompt("x" * 20, "ru-RU")) as stream:
        while (chunk := await stream.receive()) is not None:
            arrivals.append((len(chunk.slin) / 2 / RATE, round(trio.current_time() - started, 6)))
    assert arrivals == [(0.5, 0.4), (0.5, 0.5), (0.2, 0.6)]
