"""What real clients say they have used, against the stand-ins of Google and of the Messages API."""

from dataclasses import replace

import pytest
import trio

from callengine.ports.reasoning import Usage
from callengine.ports.synthesis import Prompt, Spoken, Voice
from callengine.voices import compose_voice
from tests.claude_dialog import asks, opened
from tests.google_voices import google_voices
from tests.messages_api import Act, open_messages_api
from tests.recognizers import NOBODY_THERE, open_google
from tests.voices import open_google_voice, open_named, open_synthesizer, patient_voice, told

__all__ = ["patient_voice"]  # a fixture
pytestmark = pytest.mark.integration

PROMPT = Prompt("Шины 205/55 R16 стоят 12 500 ₽.", "ru-RU")
PATIENCE_SECONDS = 60  # a guard against hanging, not a measurement


async def billed(voice: Voice, prompt: Prompt = PROMPT) -> list[Spoken]:
    """What a prompt was billed as, each time that it was."""
    found = []
    with trio.fail_after(PATIENCE_SECONDS):
        if (speech := voice.cached(prompt)) is not None:
            return [speech.billed] if speech.billed is not None else []
        async with voice.open_speech(prompt) as stream:
            while (chunk := await stream.receive()) is not None:
                if chunk.billed is not None:
                    found.append(chunk.billed)
    return found


@pytest.mark.parametrize(("name", "product"), [("Kore", "google/Chirp3-HD"), ("ru-RU-Wavenet-A", "google/Wavenet")])
async def test_characters_are_those_that_google_was_given_and_only_once(name: str, product: str) -> None:
    with google_voices() as address:
        settings = {"GOOGLE_TTS_ENDPOINT": f"grpc://{address}", "TTS_FALLBACK": "off", "GOOGLE_TTS_VOICE": name}
        async with open_named("google", **settings) as voice:
            first = await billed(voice)
            assert await billed(voice) == []
        async with open_synthesizer(address) as synthesizer:
            sent = (await told(synthesizer))["last"]
    assert "двенадцать тысяч пятьсот рублей" in sent
    assert first == [Spoken(product, len(sent))]


async def test_warming_is_told_and_what_was_warmed_costs_nothing() -> None:
    warmed: list[Spoken] = []
    with google_voices() as address:
        async with open_synthesizer(address) as synthesizer:
            voice = compose_voice(synthesizer, warmed=warmed.append)
            await voice.warm((Prompt("Здравствуйте!", "ru-RU"), Prompt("До свидания.", "ru-RU")))
            assert await billed(voice, Prompt("До свидания.", "ru-RU")) == []
    assert warmed == [Spoken("google/Chirp3-HD", len(text)) for text in ("Здравствуйте!", "До свидания.")]


@pytest.mark.parametrize("faults", ["quota", "away"])
async def test_what_the_spare_voice_says_costs_nothing(faults: str) -> None:
    async with open_google_voice(faults, TTS_FALLBACK="espeak") as voice:
        assert await billed(voice) == []


@pytest.mark.parametrize(
    ("settings", "product"),
    [
        ({}, "google/v2/chirp_3"),
        ({"GOOGLE_STT_API_VERSION": "v1"}, "google/v1/latest_long"),
        ({"GOOGLE_STT_MODEL": "long"}, "google/v2/long"),
    ],
)
async def test_google_s_recogniser_is_priced_by_version_and_model(settings: dict[str, str], product: str) -> None:
    async with open_google(NOBODY_THERE, **settings) as google:
        assert google.limits.product == product


async def test_a_reply_that_is_left_before_its_end_was_read_is_paid_for_whole() -> None:
    """A caller interrupts: nobody takes the reply's events any more, but all of it was written."""
    spent: list[Usage] = []
    whole = trio.Event()

    def note(usage: Usage) -> None:
        spent.append(usage)
        if usage.output_tokens:
            whole.set()

    async with open_messages_api([Act("One two three four.")]) as api, opened(api) as dialog:
        request = replace(asks(), spent=note)
        with trio.fail_after(PATIENCE_SECONDS):
            async with dialog.open_reply(request) as reply:
                assert await reply.receive() is not None
                await whole.wait()
    assert sum(usage.output_tokens for usage in spent) == 4
    prompt = sum(usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens for usage in spent)
    assert {usage.prompt_tokens for usage in spent} == {prompt}


async def test_a_retry_is_paid_for_as_well() -> None:
    spent: list[Usage] = []
    acts = [Act("One two", fault="break"), Act("Three.")]
    async with open_messages_api(acts) as api, opened(api) as dialog:
        request = replace(asks(), spent=spent.append)
        async with dialog.open_reply(request) as reply:
            while await reply.receive() is not None:
                pass
    assert [bool(usage.output_tokens) for usage in spent] == [False, False, True]
