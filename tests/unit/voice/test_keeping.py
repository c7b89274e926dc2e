"""Speech that is at hand: fixed phrases for good, what was said twice for all nodes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from backends.tts.scripted import ScriptedVoice
from callengine.ports.synthesis import Prompt, SpeechStream
from callengine.services.memory import MemorySpeeches
from callengine.voice.cache import SpeechCache
from callengine.voice.keeping import KeepingVoice
from callengine.voice.speech import speak_whole

GREETING = Prompt("Здравствуйте!", "ru-RU")
ANSWER = Prompt("Есть зимние шины.", "ru-RU")


@dataclass
class Counting:
    """A synthesizer that counts what it is asked for."""

    made: list[str] = field(default_factory=list)
    voice: ScriptedVoice = field(default_factory=ScriptedVoice)

    async def check(self) -> None:
        await self.voice.check()

    @asynccontextmanager
    async def open_speech(self, prompt: Prompt) -> AsyncIterator[SpeechStream]:
        self.made.append(prompt.text)
        async with self.voice.open_speech(prompt) as stream:
            yield stream


async def test_what_was_said_once_is_not_made_again(autojump_clock: object) -> None:
    maker = Counting()
    voice = KeepingVoice(maker)
    first = await speak_whole(voice, ANSWER)
    assert voice.cached(ANSWER) == first == await speak_whole(voice, ANSWER)
    assert maker.made == [ANSWER.text]


async def test_half_a_speech_is_not_kept(autojump_clock: object) -> None:
    voice = KeepingVoice(Counting())
    async with voice.open_speech(ANSWER) as stream:
        assert await stream.receive() is not None
    assert voice.cached(ANSWER) is None


async def test_fixed_phrases_are_shared_at_once_and_others_when_asked_for_again(autojump_clock: object) -> None:
    store = MemorySpeeches()
    voice = KeepingVoice(Counting(), store)
    await voice.warm((GREETING,))
    assert len(store.speeches) == 1
    await speak_whole(voice, ANSWER)
    assert len(store.speeches) == 1  # said to one caller alone
    await speak_whole(voice, ANSWER)
    assert len(store.speeches) == 2


async def test_another_node_has_it_from_the_store(autojump_clock: object) -> None:
    store = MemorySpeeches()
    here = KeepingVoice(Counting(), store, "google Kore")
    await here.warm((GREETING, ANSWER))
    maker = Counting()
    there = KeepingVoice(maker, store, "google Kore")
    await there.warm((GREETING,))
    assert there.cached(GREETING) == here.cached(GREETING)
    assert await speak_whole(there, ANSWER) == here.cached(ANSWER)
    assert there.cached(ANSWER) is not None
    assert maker.made == []
    other = Counting()
    await KeepingVoice(other, store, "google Aoede").warm((GREETING,))  # another voice sounds differently
    assert other.made == [GREETING.text]


async def test_text_language_voice_and_rate_are_told_apart_in_the_store(autojump_clock: object) -> None:
    store = MemorySpeeches()
    prompts = (
        GREETING,
        ANSWER,
        Prompt(GREETING.text, "uk-UA"),
        Prompt(GREETING.text, "ru-RU", "f3"),
        Prompt(GREETING.text, "ru-RU", rate=1.1),
    )
    await KeepingVoice(Counting(), store).warm(prompts)
    assert len(store.speeches) == len(prompts)


async def test_a_store_that_is_away_costs_only_the_making(autojump_clock: object) -> None:
    store = MemorySpeeches()
    store.away = True
    maker = Counting()
    voice = KeepingVoice(maker, store)
    await voice.warm((GREETING,))
    await speak_whole(voice, ANSWER)
    assert maker.made == [GREETING.text, ANSWER.text]
    assert voice.cached(GREETING) is not None


async def test_fixed_phrases_outlive_any_number_of_others(autojump_clock: object) -> None:
    voice = KeepingVoice(Counting())
    voice._cache = SpeechCache(most_bytes=40_000)
    await voice.warm((GREETING,))
    for number in range(30):
        await speak_whole(voice, Prompt("слово " * (number % 5 + 1), "ru-RU"))
        assert voice._cache.size_bytes <= 40_000
    assert voice.cached(GREETING) is not None
