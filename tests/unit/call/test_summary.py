"""What a person is told of a call without a model: honest, and short enough for the ear."""

from hypothesis import given
from hypothesis import strategies as st

from callengine.agent import AgentProfile, load_agent
from callengine.call.summary import LONGEST, MOST_WORDS, plain_summary, shortened
from callengine.ports.reasoning import TRANSFER, AgentSaid, CallerSaid, HistoryItem, Misheard
from callengine.ports.tools import CallerContext, ToolCall, ToolResult

RUSSIAN, ENGLISH = load_agent(None, "ru-RU"), load_agent(None, "en-GB")
NOBODY = CallerContext("c", "ru-RU")


def looked(name: str, number: int, is_error: bool = False) -> tuple[HistoryItem, HistoryItem]:
    return ToolCall(f"{number}", name), ToolResult(f"{number}", "{}", is_error)


def told(*history: HistoryItem, agent: AgentProfile = RUSSIAN, name: str = "") -> str:
    return plain_summary(agent, CallerContext("c", agent.language, name=name), history)


def test_who_calls_what_they_said_and_what_was_looked_up() -> None:
    history = (
        *(AgentSaid("Здравствуйте!"), CallerSaid("есть зимние шины"), *looked("find_products", 1)),
        *(AgentSaid("Есть."), CallerSaid("А мой заказ?"), *looked("order_status", 2)),
    )
    says = "Звонит Анна. Клиент сказал: есть зимние шины. А мой заказ? Уже смотрели: товары, заказ."
    assert told(*history, name="Анна") == says


def test_what_was_misheard_is_told_as_it_was_said() -> None:
    history = (
        AgentSaid("Здравствуйте!"),
        CallerSaid("есть шимы"),
        AgentSaid("Нет."),
        Misheard("есть шимы", "есть шины"),
    )
    assert told(*history) == "Клиент сказал: есть шины."


def test_in_english_and_for_a_language_without_words() -> None:
    history = (CallerSaid("winter tyres"), *looked("find_products", 1))
    says = "The caller said: winter tyres. Looked up already: products."
    assert told(*history, agent=ENGLISH) == says
    assert told(*history, agent=ENGLISH.model_copy(update={"language": "fi-FI"})) == says


def test_what_failed_was_not_looked_up_and_the_engines_own_tools_are_not_the_shops() -> None:
    history = (*looked("find_products", 1, is_error=True), *looked(TRANSFER.name, 2), *looked("own_tool", 3))
    assert told(*history) == "Клиент ещё ничего не сказал. Уже смотрели: own tool."


def test_the_last_three_are_told_each_once() -> None:
    names = ("find_products", "product_details", "order_status", "opening_hours", "find_products")
    history = [item for number, name in enumerate(names) for item in looked(name, number)]
    assert told(*history).endswith("Уже смотрели: заказ, адреса и часы работы, товары.")


@given(st.lists(st.text(max_size=400), max_size=6))
def test_nothing_is_said_that_the_caller_did_not_say(turns: list[str]) -> None:
    summary = told(*map(CallerSaid, turns))
    spoken = [turn.strip() for turn in turns if turn.strip()]
    if not spoken:
        assert summary == "Клиент ещё ничего не сказал."
        return
    words = summary.removeprefix("Клиент сказал: ")
    assert len(words) <= MOST_WORDS + 2 * len(spoken) + 3
    assert all(word.strip(".…") in " ".join(spoken) for word in words.split())


def test_a_models_summary_is_one_line_and_ends_somewhere() -> None:
    assert shortened(" Анна\n ищет  шины. ") == "Анна ищет шины."
    long = shortened("слово " * 1000)
    assert len(long) <= LONGEST + 1
    assert long.endswith("слово…")
