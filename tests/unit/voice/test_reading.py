"""Text as people write it, in front of any voice: the voice gets words, the marks come back to the text as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.tts.scripted import ScriptedVoice
from callengine.call.history import Piece, heard_text
from callengine.ports.synthesis import Prompt, SpeechChunk, WordMark
from callengine.voice.reading import Marks, ReadingVoice
from callengine.voice.speech import speak_whole
from callengine.voice.spoken import spoken_text, word_starts

PRICE = Prompt("**Шины** 205/55 R16 стоят 12 500 ₽ 🙂", "ru-RU")
SPOKEN = "Шины двести пять на пятьдесят пять эр шестнадцать стоят двенадцать тысяч пятьсот рублей"
WRITTEN = st.lists(
    st.sampled_from(
        ["Шины", "**Да**,", "205/55", "R16", "12 500 ₽", "🙂", "№ 1042", "в 10:30", "-", "https://shop.ru/x"]
    ),
    min_size=1,
    max_size=8,
).map(" ".join)


def all_marks(text: str) -> tuple[WordMark, ...]:
    """What a voice that knows its words says of a text, a sample a character."""
    return tuple(WordMark(start, start) for start in word_starts(text))


async def test_the_voice_gets_words_and_the_history_the_text(autojump_clock: object) -> None:
    inner = ScriptedVoice()
    voice = ReadingVoice(inner)
    await voice.warm((PRICE,))
    assert inner.cached(Prompt(SPOKEN, "ru-RU")) is not None
    speech = voice.cached(PRICE)
    assert speech is not None
    assert speech == await speak_whole(voice, PRICE)
    heard = [PRICE.text[mark.start :].split()[0] for mark in speech.words]
    assert heard == ["**Шины**", "205/55", "R16", "стоят", "12", "500", "₽"]
    piece = Piece(PRICE.text, 0, len(speech.slin) // 2, speech.words, complete=True)
    assert heard_text([piece], piece.end) == PRICE.text
    assert heard_text([piece], speech.words[2].position + 1) == "**Шины** 205/55 R16"


@pytest.mark.parametrize("text", ["", " ", "🙂", "—", "***", "[](x)"])
async def test_nothing_to_say_is_not_asked_of_the_voice(text: str, autojump_clock: object) -> None:
    voice = ReadingVoice(ScriptedVoice(fail_after=0))
    prompt = Prompt(text, "ru-RU")
    await voice.warm((prompt,))
    assert voice.cached(prompt) == SpeechChunk(b"")
    assert (await speak_whole(voice, prompt)).slin == b""


@given(WRITTEN, st.sampled_from(["ru-RU", "en-GB", "de-DE"]))
def test_marks_are_words_of_the_text_in_order_each_once(text: str, language: str) -> None:
    spoken = spoken_text(text, language)
    restored = Marks(text, spoken).restored(SpeechChunk(b"", all_marks(spoken.text))).words
    starts = [mark.start for mark in restored]
    assert starts == sorted(set(starts))
    assert set(starts) <= set(word_starts(text))
    assert [mark.position for mark in restored] == sorted(mark.position for mark in restored)


def test_a_mark_behind_the_end_is_that_of_the_last_word() -> None:
    chunk = SpeechChunk(b"", (WordMark(10_000, 0),))
    (mark,) = Marks("да 5", spoken_text("да 5", "ru-RU")).restored(chunk).words
    assert mark.start == 3
