"""The cache of fixed phrases."""

from hypothesis import given
from hypothesis import strategies as st

from callengine.ports.synthesis import Prompt, SpeechChunk
from callengine.voice.cache import SpeechCache


def prompt(number: int) -> Prompt:
    return Prompt(str(number), "ru-RU")


def test_what_was_asked_for_least_recently_goes_first() -> None:
    cache = SpeechCache(most_bytes=20)
    for number in (1, 2):
        cache.put(prompt(number), SpeechChunk(bytes(10)))
    assert cache.get(prompt(1)) is not None
    cache.put(prompt(3), SpeechChunk(bytes(10)))
    assert [cache.get(prompt(number)) is not None for number in (1, 2, 3)] == [True, False, True]


def test_language_voice_and_rate_are_part_of_the_key() -> None:
    cache = SpeechCache()
    cache.put(Prompt("a", "ru-RU"), SpeechChunk(b"12"))
    assert cache.get(Prompt("a", "ru-RU")) == SpeechChunk(b"12")
    others = (Prompt("a", "en-GB"), Prompt("a", "ru-RU", "f3"), Prompt("a", "ru-RU", rate=1.2))
    assert [cache.get(other) for other in others] == [None, None, None]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=60))
def test_never_holds_more_than_it_may(puts: list[tuple[int, int]]) -> None:
    cache = SpeechCache(most_bytes=50)
    for number, size in puts:
        cache.put(prompt(number), SpeechChunk(bytes(size)))
        held = [speech for n in range(6) if (speech := cache.get(prompt(n))) is not None]
        assert cache.size_bytes == sum(len(speech.slin) for speech in held) <= 50
        assert cache.get(prompt(number)) == SpeechChunk(bytes(size))
    cache.put(prompt(9), SpeechChunk(bytes(51)))
    assert cache.get(prompt(9)) is None
