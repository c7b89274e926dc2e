"""Google's voice, for which a stand-in speaks: what goes over the wire, what is refused, what is heard on bad days."""

import pytest
import redis
import trio
from structlog.testing import capture_logs

from backends.tts import google_speech
from callengine.call.history import Piece, heard_text
from callengine.config import load_settings
from callengine.errors import ConfigError, SynthesisError
from callengine.ports.synthesis import Prompt, SpeechChunk, Voice
from callengine.voice.speech import speak_whole
from callengine.voices import check_voice, named_voices, warm_voice
from tests.google_voices import google_voices
from tests.recognizers import NOBODY_THERE
from tests.voices import open_google_voice, open_named, open_synthesizer, patient_voice, told

__all__ = ["patient_voice"]  # a fixture
pytestmark = pytest.mark.integration

PROMPT = Prompt("Есть зимние шины на любой вкус.", "ru-RU")
LONG = Prompt("Есть зимние шины на любой вкус и кошелёк, приезжайте. " * 4, "ru-RU")
PATIENCE_SECONDS = 60  # a guard against hanging, not a measurement
UNARY = "ru-RU-Wavenet-A"
PIECES = (
    "Есть зимние шины на любой вкус и кошелёк, приезжайте.",
    "Шины Nokian Hakkapeliitta 205/55 R16 стоят 12 500 рублей за штуку, в наличии 12 штук.",
    "Заказ 1042 в пути.",
    "Ждём его 24 ноября: магазин на Ленина.",
    "Работаем с 9:00 до 21:00 без выходных.",
    "К сожалению, сейчас соединить не с кем. Чем ещё помочь?",
    "Позвоните по телефону 8 495 000 01 01 после 10:30.",
)


async def spoken(voice: Voice, prompt: Prompt = PROMPT) -> bytes:
    with trio.fail_after(PATIENCE_SECONDS):
        return (await speak_whole(voice, prompt)).slin


async def test_the_wire_carries_words_and_nothing_for_the_eye() -> None:
    with google_voices() as address:
        async with open_named("google", GOOGLE_TTS_ENDPOINT=f"grpc://{address}", TTS_FALLBACK="off") as voice:
            assert await spoken(voice, Prompt("**Цена** 1 299,90 ₽ 🙂", "ru-RU"))
        async with open_synthesizer(address) as synthesizer:
            assert (await told(synthesizer))["last"] == (
                "Цена одна тысяча двести девяносто девять рублей девяносто копеек"
            )


@pytest.mark.parametrize("name", ["Kore", UNARY])
async def test_no_piece_is_longer_than_google_takes(name: str) -> None:
    text = "Есть зимние шины на любой вкус и кошелёк, приезжайте. " * 60
    with google_voices() as address:
        async with open_synthesizer(address, GOOGLE_TTS_VOICE=name) as voice:
            assert (await speak_whole(voice, Prompt(text, "ru-RU"))).slin
            assert 1000 < int((await told(voice))["largest"]) < 5000


@pytest.mark.parametrize("name", ["Kore", UNARY])
async def test_a_speech_that_is_left_ends_on_the_wire(name: str) -> None:
    """30 prompts left before and in the middle of their speech: the server has none of them any more."""
    with google_voices("delay=0.02") as address:
        async with open_synthesizer(address, GOOGLE_TTS_VOICE=name) as voice:
            for number in range(30):
                with trio.move_on_after(0.001 if number % 2 else PATIENCE_SECONDS):
                    async with voice.open_speech(LONG) as stream:
                        await stream.receive()
            with trio.fail_after(PATIENCE_SECONDS):
                while (await told(voice))["open"] != "0":
                    pass
            assert (await speak_whole(voice, PROMPT)).slin


@pytest.mark.parametrize(
    ("faults", "status", "retryable"),
    [
        ("quota", "RESOURCE_EXHAUSTED: Quota exceeded", True),
        ("away", "UNAVAILABLE", True),
        ("denied", "PERMISSION_DENIED", False),
        ("too_long", "INVALID_ARGUMENT: This request contains sentences that are too long.$", False),
        ("silent", "no sound", True),
    ],
)
@pytest.mark.parametrize("name", ["Kore", UNARY])
async def test_a_refusal_is_one_line(faults: str, status: str, retryable: bool, name: str) -> None:
    async with open_google_voice(faults, GOOGLE_TTS_VOICE=name) as voice:
        with trio.fail_after(PATIENCE_SECONDS), pytest.raises(SynthesisError, match=status) as caught:
            await speak_whole(voice, PROMPT)
    assert caught.value.retryable == retryable
    assert "\n" not in str(caught.value)
    assert "Есть" not in str(caught.value)


@pytest.mark.parametrize("name", ["Kore", UNARY])
async def test_a_broken_connection_is_tried_once_more(name: str) -> None:
    async with open_google_voice("away_once", GOOGLE_TTS_VOICE=name) as voice:
        assert await spoken(voice)


async def test_a_wav_of_another_rate_is_not_played() -> None:
    async with open_google_voice("wideband", GOOGLE_TTS_VOICE=UNARY) as voice:
        with pytest.raises(SynthesisError, match="at 24000 Hz, not one of 16 bits at 8000"):
            await speak_whole(voice, PROMPT)


@pytest.mark.parametrize(
    ("faults", "name"),
    [
        ("quota", "Kore"),
        ("stall", "Kore"),
        ("break=0", "Kore"),
        ("break=2", "Kore"),
        ("silent", "Kore"),
        ("away", UNARY),
        ("stall", UNARY),
    ],
)
async def test_the_caller_hears_espeak_and_the_log_has_one_line(
    faults: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if faults == "stall":
        monkeypatch.setattr(google_speech, "FIRST_SECONDS", 0.2)
    async with open_named("espeak") as espeak:
        plain = await spoken(espeak, LONG)
    async with open_google_voice(faults, GOOGLE_TTS_VOICE=name, TTS_FALLBACK="espeak") as voice:
        with capture_logs() as logs:
            heard = [await spoken(voice, LONG) for _ in range(2)]
    assert [entry["event"] for entry in logs] == ["the spare voice speaks"]
    for slin in heard:
        assert len(slin) >= 0.99 * len(plain)
        assert faults == "break=2" or len(slin) == pytest.approx(len(plain), rel=0.01)


async def test_the_voice_must_be_one_of_googles() -> None:
    async with open_google_voice(GOOGLE_TTS_VOICE="ru-RU-Chirp3-HD-Kora") as voice:
        with pytest.raises(ConfigError) as caught:
            await check_voice(voice)
    assert caught.value.variable == "GOOGLE_TTS_VOICE"
    assert "no voice 'ru-RU-Chirp3-HD-Kora' for ru-RU (there are ru-RU-Chirp3-HD-Aoede, " in str(caught.value)


async def test_the_language_must_be_one_of_googles() -> None:
    async with open_google_voice(CALL_LANGUAGE="kk-KZ") as voice:
        with pytest.raises(ConfigError, match=r"^CALL_LANGUAGE: Google's voice at .* has no voice for kk-KZ"):
            await check_voice(voice)


async def test_a_voice_of_the_agent_file_is_blamed_on_it() -> None:
    async with open_google_voice() as voice:
        with pytest.raises(ConfigError, match=r"^AGENT_FILE: voice = 'f3': .*INVALID_ARGUMENT"):
            await warm_voice(voice, (Prompt("Здравствуйте!", "ru-RU", "f3"),))


async def test_without_the_right_to_it_the_credentials_are_named_even_with_a_spare_voice() -> None:
    async with open_google_voice("denied", TTS_FALLBACK="espeak") as voice:
        with pytest.raises(ConfigError, match=r"^GOOGLE_APPLICATION_CREDENTIALS: .*PERMISSION_DENIED"):
            await check_voice(voice)


async def test_a_voice_that_nobody_named_gives_way_where_its_api_is_off() -> None:
    with google_voices("denied") as address, capture_logs() as logs:
        key = {"GOOGLE_APPLICATION_CREDENTIALS": "key.json", "GOOGLE_TTS_ENDPOINT": f"grpc://{address}"}
        async with open_named("", **key) as voice:
            await check_voice(voice)
            await warm_voice(voice, (PROMPT,))
            assert await spoken(voice)
        assert [(line["event"], line.get("serving_with")) for line in logs] == [
            ("voice_forbidden", "TTS_BACKEND=espeak")
        ]
        assert "PERMISSION_DENIED: Cloud Text-to-Speech API has not been used" in logs[0]["problem"]
        async with open_named("", TTS_FALLBACK="off", **key) as voice:
            with pytest.raises(ConfigError, match=r"^GOOGLE_APPLICATION_CREDENTIALS: .*PERMISSION_DENIED"):
                await check_voice(voice)


async def test_nobody_there_is_one_line_or_the_spare_voice() -> None:
    endpoint = {"GOOGLE_TTS_ENDPOINT": f"grpc://{NOBODY_THERE}"}
    async with open_named("google", TTS_FALLBACK="off", **endpoint) as voice:
        with pytest.raises(ConfigError, match=r"^GOOGLE_TTS_ENDPOINT: Google's voice at 127.0.0.1:1: UNAVAILABLE"):
            await check_voice(voice)
    async with open_named("google", **endpoint) as voice:
        await check_voice(voice)
        await warm_voice(voice, (PROMPT,))
        assert await spoken(voice)


async def test_what_was_said_is_not_asked_for_again() -> None:
    with google_voices() as address:
        async with open_named("google", GOOGLE_TTS_ENDPOINT=f"grpc://{address}", TTS_FALLBACK="off") as voice:
            await voice.warm((LONG,))
            for _ in range(3):
                await spoken(voice, PROMPT)
                await spoken(voice, LONG)
        async with open_synthesizer(address) as synthesizer:
            assert (await told(synthesizer))["asked"] == "2"


async def test_another_node_is_spared_the_asking(redis_url: str) -> None:
    with google_voices() as address:
        settings = {"GOOGLE_TTS_ENDPOINT": f"grpc://{address}", "TTS_FALLBACK": "off", "REDIS_URL": redis_url}
        async with open_named("google", **settings) as voice:
            await voice.warm((PROMPT,))
            first = voice.cached(PROMPT)
            with trio.fail_after(PATIENCE_SECONDS):
                while not shared(redis_url):
                    await trio.lowlevel.checkpoint()
        async with open_named("google", **settings) as voice:
            await voice.warm((PROMPT,))
            assert voice.cached(PROMPT) == first
        async with open_synthesizer(address) as synthesizer:
            assert (await told(synthesizer))["asked"] == "1"


def shared(redis_url: str) -> int:
    with redis.from_url(redis_url) as client:
        return len(client.keys("callengine:{speech}:*"))


def test_the_spare_voice_must_be_another_one() -> None:
    with pytest.raises(ConfigError, match=r"^TTS_FALLBACK: is 'espeak', the same"):
        named_voices(load_settings({"TTS_BACKEND": "espeak", "TTS_FALLBACK": "espeak"}))
    with pytest.raises(ConfigError, match=r"^TTS_FALLBACK: no backend is called 'nobody'"):
        named_voices(load_settings({"TTS_FALLBACK": "nobody"}))
    assert named_voices(load_settings({"TTS_BACKEND": "google"})) == ("google", "espeak")
    assert named_voices(load_settings({"TTS_BACKEND": "google", "TTS_FALLBACK": "off"})) == ("google", "")
    assert named_voices(load_settings({})) == ("espeak", "")


@pytest.mark.parametrize("name", ["Kore", UNARY])
async def test_what_was_heard_is_told_within_a_word(name: str) -> None:
    """The stand-in speaks by espeak, which knows its words: interrupted every tenth of a second, the history of both
    differs by a word at most (95 %), and never goes past the piece."""
    errors = []
    async with open_named("espeak") as espeak, open_google_voice(GOOGLE_TTS_VOICE=name) as google:
        for text in PIECES:
            prompt = Prompt(text, "ru-RU")
            true, told_by_google = await speak_whole(espeak, prompt), await speak_whole(google, prompt)
            for played in range(0, len(true.slin) // 2, 800):
                heard = [heard_by(speech, text, played).split() for speech in (true, told_by_google)]
                assert heard[1] == text.split()[: len(heard[1])]
                errors.append(abs(len(heard[0]) - len(heard[1])))
    errors.sort()
    assert errors[int(0.95 * len(errors))] <= 1


def heard_by(speech: SpeechChunk, text: str, played: int) -> str:
    return heard_text([Piece(text, 0, len(speech.slin) // 2, speech.words, complete=True)], played)
