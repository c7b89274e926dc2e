"""What words mean to turn-taking: back-channels, trailing words, numbers, whole answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.agent import load_agent
from callengine.call.turn_words import Tail, TurnWords, load_turn_words, split_words

RU, EN = load_turn_words("ru-RU"), load_turn_words("en-GB")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        *((RU, text) for text in ("Угу.", "да-да", "Да, да, да", "ага, понял", "Ясно…", "Так, так")),
        *((EN, text) for text in ("Mm-hmm.", "uh-huh", "Yeah, okay", "I see.", "OK")),
    ],
)
def test_who_says_it_listens(words: TurnWords, text: str) -> None:
    assert words.only_listens(text)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        *((RU, text) for text in ("нет", "да нет", "угу, а зимние?", "подождите", "", "...", "да но")),
        *((EN, text) for text in ("no", "yeah but", "I see them", "stop")),
    ],
)
def test_who_says_it_means_it(words: TurnWords, text: str) -> None:
    assert not words.only_listens(text)


@pytest.mark.parametrize(
    ("words", "text", "tail"),
    [
        (RU, "Мне нужны зимние шины и", Tail.TRAILING),
        (RU, "Здравствуйте,", Tail.TRAILING),
        (RU, "потому что", Tail.TRAILING),
        (RU, "ещё", Tail.TRAILING),
        (RU, "заказ номер", Tail.TRAILING),
        (RU, "сто четыре", Tail.NUMBER),
        (RU, "Номер 10 42", Tail.NUMBER),
        (RU, "Да.", Tail.YES_NO),
        (RU, "Нет, спасибо", Tail.YES_NO),
        (RU, "Нет, спасибо, не надо", Tail.PLAIN),
        (RU, "сколько стоят зимние шины", Tail.PLAIN),
        (RU, "205/55 R16", Tail.PLAIN),
        (RU, "", Tail.PLAIN),
        (EN, "I'd like to know if", Tail.TRAILING),
        (EN, "my order is one zero", Tail.NUMBER),
        (EN, "No, thanks.", Tail.YES_NO),
        (EN, "That's right", Tail.YES_NO),
        (EN, "are you open today", Tail.PLAIN),
    ],
)
def test_how_an_utterance_ends(words: TurnWords, text: str, tail: Tail) -> None:
    assert words.tail(text) is tail


@pytest.mark.parametrize(
    ("words", "text"),
    [
        *((RU, text) for text in ("225/45 R17", "Шины 225 45 17.", "225/45R17", "195 65 r15")),
        *((RU, text) for text in ("205/55, R16", "225 на 45 на 17", "225/45. R17.")),
        (RU, "двести двадцать пять на сорок пять, эр семнадцать"),
        (RU, "двести пять пятьдесят пять шестнадцать"),
        (RU, "двести пятнадцать шестьдесят р16"),
        (RU, "сто восемьдесят пять семьдесят четырнадцать"),
        (EN, "two twenty-five forty-five R seventeen"),
        (EN, "two oh five, fifty-five, sixteen"),
        (EN, "225 by 45 by 17"),
    ],
)
def test_a_whole_size_is_waited_for_no_longer(words: TurnWords, text: str) -> None:
    assert words.tail(text) is Tail.PLAIN


@pytest.mark.parametrize(
    ("words", "text"),
    [
        *((RU, text) for text in ("225", "225/45", "225 45 1", "8 916 225 45", "двести двадцать пять сорок пять")),
        (RU, "сто восемьдесят пять семьдесят"),
        (EN, "two twenty five forty five"),
    ],
)
def test_a_part_of_a_size_is_a_number_still(words: TurnWords, text: str) -> None:
    assert words.tail(text) is Tail.NUMBER


@given(st.integers(1, 3), st.sampled_from(range(125, 336, 10)), st.sampled_from(range(25, 86, 5)), st.integers(12, 24))
def test_a_size_is_whole_with_its_last_word(cut: int, width: int, height: int, rim: int) -> None:
    parts = [str(width), str(height), f"R{rim}"][:cut]
    for words in (RU, EN):
        assert words.tail(" ".join(parts)) is (Tail.PLAIN if cut == 3 else Tail.NUMBER)


def test_an_agent_knows_how_long_its_orders_numbers_are() -> None:
    agent = load_agent(None, "ru-RU")
    words = load_turn_words(agent.language, agent.complete)
    assert words.tail("заказ номер 1042") is Tail.PLAIN
    assert words.tail("мой заказ 10 42") is Tail.PLAIN
    assert words.tail("заказ номер 104") is Tail.NUMBER
    assert words.tail("телефон 8 916") is Tail.NUMBER
    assert words.tail("225/45 R17") is Tail.PLAIN
    assert load_turn_words("fi-FI", ("[0-9]{6}",)).tail("123456") is Tail.PLAIN


@given(st.text(max_size=60))
def test_any_text_has_an_end(text: str) -> None:
    for words in (RU, EN):
        assert isinstance(words.tail(text), Tail)
        if words.only_listens(text):
            assert split_words(text)


@given(st.lists(st.sampled_from(sorted(RU.listening)), min_size=1, max_size=5))
def test_back_channels_in_a_row_are_one(parts: list[tuple[str, ...]]) -> None:
    assert RU.only_listens(", ".join(" ".join(part) for part in parts))


def test_a_language_without_a_file_means_every_word() -> None:
    words = load_turn_words("fi-FI")
    assert not words.only_listens("mhm")
    assert words.tail("mhm ja") is Tail.PLAIN
    assert words.tail("12") is Tail.NUMBER


def test_every_entry_is_words_and_said_once() -> None:
    for words in (RU, EN):
        for entries in (words.listening, words.trailing, words.yes_no, words.numbers, words.voicemail):
            assert entries
            assert () not in entries
