"""What every end-of-turn model promises (`callengine.ports.turn_end`): the table of words, and the guide's own."""

import math
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from callengine.call.word_pauses import open_turn_end as open_words
from callengine.call.word_pauses import word_pause
from callengine.config import load_settings
from callengine.errors import ConfigError, TurnEndError
from callengine.ports.turn_end import SaidSoFar, TurnEnd
from tests.examples import HOWTO, load_example

PHRASE = HOWTO / "phrase_turn_end"
MOST_SECONDS = 10.0
SETTINGS = load_settings({})


phrase = load_example("phrase_turn_end/phrase_turn_end.py")
MODELS: dict[str, Callable[[], AbstractAsyncContextManager[TurnEnd]]] = {
    "words": partial(open_words, SETTINGS, None),
    "phrase": partial(phrase.open_turn_end, SETTINGS, None),
}


@pytest.fixture(params=MODELS)
async def model(request: pytest.FixtureRequest) -> AsyncIterator[TurnEnd]:
    async with MODELS[request.param]() as opened:
        yield opened


def is_an_answer(seconds: float | None) -> bool:
    return seconds is None or (math.isfinite(seconds) and 0 < seconds <= MOST_SECONDS)


@pytest.mark.parametrize("language", ["ru-RU", "ru", "en-GB", "fi-FI", "zxx"])
@pytest.mark.parametrize("text", ["да", "мне нужны зимние", "I need", "205/55 R16", "…", "?", "12", "a" * 3000])
async def test_any_words_of_any_language_have_an_answer(model: TurnEnd, text: str, language: str) -> None:
    assert is_an_answer(await model.pause(SaidSoFar(text, language)))


SAID = st.builds(
    SaidSoFar,
    st.text(min_size=1, max_size=80),
    st.sampled_from(("ru-RU", "en-GB", "de-DE")),
    st.sampled_from(("", "Сколько штук?", "How many?")),
    st.floats(0.0, 3.0),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(SAID, min_size=1, max_size=20))
def test_whatever_is_said_has_the_same_answer_again(many: list[SaidSoFar]) -> None:
    """Alone, and of several calls at once."""

    async def ask(opened: TurnEnd, said: SaidSoFar, answers: list[float | None], at: int) -> None:
        answers[at] = await opened.pause(said)

    async def ask_all() -> None:
        for name in MODELS:
            async with MODELS[name]() as opened:
                alone = [await opened.pause(said) for said in many]
                assert all(map(is_an_answer, alone))
                together: list[float | None] = [None] * len(many)
                async with trio.open_nursery() as nursery:
                    for at, said in enumerate(many):
                        nursery.start_soon(ask, opened, said, together, at)
                assert together == alone

    trio.run(ask_all)


async def test_a_question_that_was_left_harms_no_other(model: TurnEnd) -> None:
    said = SaidSoFar("мне нужны", "ru-RU")
    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(model.pause, said)
        nursery.cancel_scope.cancel("late")
    with trio.fail_after(60):
        assert is_an_answer(await model.pause(said))


async def test_words_after_which_more_is_to_come_have_a_longer_pause(model: TurnEnd) -> None:
    for language, whole, more in (
        ("ru-RU", "где мой заказ", "мне нужны"),
        ("en-GB", "where is my order", "could you tell me if"),
    ):
        short = await model.pause(SaidSoFar(whole, language))
        long = await model.pause(SaidSoFar(more, language))
        assert short is not None
        assert long is not None
        assert short < long


# The table


def test_the_table_as_a_model() -> None:
    assert word_pause(SaidSoFar("мне нужны зимние шины и", "ru-RU")) == 1.2
    assert word_pause(SaidSoFar("сто четыре", "ru-RU")) == 1.0
    assert word_pause(SaidSoFar("да", "ru-RU", "Оформить заказ?")) == 0.3
    assert word_pause(SaidSoFar("да", "ru-RU")) == 0.5
    assert word_pause(SaidSoFar("сколько стоят шины", "ru-RU")) == 0.5


# The guide's


def test_the_example_is_registered_as_it_says() -> None:
    project = tomllib.loads((PHRASE / "pyproject.toml").read_text(encoding="utf-8"))
    module, _, function = project["project"]["entry-points"]["callengine.turn_end"]["phrase"].partition(":")
    assert module == "phrase_turn_end"
    assert callable(getattr(phrase, function))
    assert "lines.toml" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_on_lines_it_never_saw_it_is_better_than_the_table(language: str) -> None:
    """Where it is unsure the table decides, as in a call."""
    model = phrase.learn_languages(phrase.LINES)[language]
    lines = tomllib.loads(phrase.LINES.read_text(encoding="utf-8"))["check"][language]
    table = learnt = 0
    for kind in ("over", "more"):
        for text in lines[kind]:
            longer = word_pause(SaidSoFar(text, language)) > 0.5
            table += longer is (kind == "more")
            probability = model.over(text)
            unsure = 1 - phrase.SURE < probability < phrase.SURE
            learnt += (longer if unsure else probability <= 0.5) is (kind == "more")
    assert learnt > table


def test_what_it_learnt_from_is_not_what_it_is_checked_with() -> None:
    tables = tomllib.loads(phrase.LINES.read_text(encoding="utf-8"))
    for language in ("ru", "en"):
        lines, check = tables[language], tables["check"][language]
        assert not {*lines["over"], *lines["more"]} & {*check["over"], *check["more"]}
        assert not set(lines["over"]) & set(lines["more"])


async def test_figures_and_other_languages_are_the_tables() -> None:
    async with phrase.open_turn_end(SETTINGS, None) as model:
        assert await model.pause(SaidSoFar("заказ 10 42", "ru-RU")) is None
        assert await model.pause(SaidSoFar("haben sie winterreifen", "de-DE")) is None


async def test_a_model_that_went_wrong_says_so() -> None:
    model = phrase.PhraseTurnEnd({"ru": phrase.Model(phrase.np.full(phrase.FEATURES, phrase.np.nan))})
    with pytest.raises(TurnEndError, match="phrase"):
        await model.pause(SaidSoFar("да", "ru-RU"))


async def test_lines_that_cannot_be_read_end_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phrase, "LINES", tmp_path / "lines.toml")
    with pytest.raises(ConfigError, match="TURN_END"):
        async with phrase.open_turn_end(SETTINGS, None):
            pass
