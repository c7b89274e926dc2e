"""The shop agent and the demo Store: the caller's words as Whisper base hears them, answered from the real Store."""

from collections.abc import Iterator

import pytest

from backends.dialog.scripted import ShopDialog
from callengine.ports.reasoning import END_CALL, TRANSFER, AgentSaid, CallerSaid, HistoryItem, ReplyRequest, TextDelta
from callengine.ports.tools import CallerContext, ToolCall
from tests.shop import open_shop
from tests.store_child import running_store

pytestmark = pytest.mark.integration

CALLS = {
    "ru-RU": [
        ("Здравствуйте, у вас есть зимние шины.", "Какой размер"),
        ("Интересует размер 225,45,17.", "X-Ice Snow 225/45 R17, 15 640 рублей за штуку, в наличии 20 штук."),
        (
            "Сколько они стоят и если они на складе?",
            "стоит 15 640 рублей за штуку. В наличии: Магазин на Дмитровском шоссе, 8 штук;",
        ),
        ("А 205 на 55 на 16?", "Нашлось вариантов: 4. Первый:"),
        ("А мишлен?", "Michelin X-Ice North 4 205/55 R16, 12 790 рублей за штуку, в наличии 16 штук."),
        ("Они где есть?", "В наличии: Магазин на Дмитровском шоссе, 16 штук."),
        ("Скажите, что с моим заказом номер заказа 1 0 4 2", "Заказ 1042 в пути. Ждём его"),
        ("А 9-9-9-9 заказ?", "Заказа с номером 9999 не нашлось."),
        ("Скажите, какие у вас часы работы?", "в субботу и воскресенье с десяти утра до семи вечера."),
        ("Нет, спасибо не надо.", "Чем ещё помочь?"),
        ("Спасибо за помощь до свидания.", "До свидания!"),
    ],
    "en-GB": [
        ("Hello, do you have winter tires?", "What size"),
        (
            "The size is 225 x 45 x 17.",
            "225/45 R17 winter studless tyre, 15,640 roubles each, 20 pieces in stock.",
        ),
        (
            "How much are they? And do you have them in stock?",
            "costs 15,640 roubles each. In stock: Dmitrovskoye shop, 8 pieces;",
        ),
        ("Could you check my order, please? The number is 1042.", "Order 1042 is on its way. We expect it on"),
        ("What are your opening hours?", "Dmitrovskoye shop: Monday to Friday from nine in the morning"),
        ("No, thank you. That's enough.", "What else can I do for you?"),
        ("Thank you for your help. Goodbye.", "Goodbye!"),
    ],
}


@pytest.fixture(scope="module")
def store_url() -> Iterator[str]:
    with running_store() as url:
        yield url


@pytest.mark.parametrize("language", CALLS)
async def test_the_demo_call_is_answered_from_the_store(language: str, store_url: str) -> None:
    history: list[HistoryItem] = []
    caller = CallerContext("call", language)
    call: ToolCall | None = None
    async with open_shop(store_url, language=language) as toolbox:
        tools = (*toolbox.specs, END_CALL, TRANSFER)
        for said, answer in CALLS[language]:
            history.append(CallerSaid(said))
            text, call = await reply(ReplyRequest("", tuple(history), tools, caller))
            if call is not None and call.name != END_CALL.name:
                history += [call, await toolbox.run(call, caller)]
                text, _ = await reply(ReplyRequest("", tuple(history), tools, caller))
            assert answer in text, said
            history.append(AgentSaid(text))
    assert call is not None
    assert call.name == END_CALL.name


async def reply(request: ReplyRequest) -> tuple[str, ToolCall | None]:
    text = ""
    call: ToolCall | None = None
    async with ShopDialog().open_reply(request) as stream:
        while (event := await stream.receive()) is not None:
            if isinstance(event, TextDelta):
                text += event.text
            elif isinstance(event, ToolCall):
                call = event
    return text, call
