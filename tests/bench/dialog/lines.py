"""What the agent of the bench says: plain sentences with nothing to rewrite, and no two answers that begin alike."""

from itertools import product

OPENINGS = tuple(
    f"{first} {second} {third},"
    for third, second, first in product(
        ("на складе", "в центре", "на базе", "в городе", "у вокзала", "за рекой"),
        ("есть шины", "были диски", "лежат камеры", "стоят колёса", "ждут покрышки", "видны коробки"),
        ("сейчас", "сегодня", "всегда", "снова", "теперь", "обычно", "давно", "опять", "точно"),
    )
)
SENTENCES = """
    Все они новые и стоят на полках в большом магазине рядом с рынком.
    Мастер посмотрит машину и скажет точную цену ещё до начала работы.
    Старые колёса можно оставить у нас на хранение до самой весны.
    Доставка по городу занимает один день и начинается рано утром.
    Оплатить покупку можно картой или деньгами прямо у кассы магазина.
    Зимой резина должна быть мягкой и держать дорогу в сильный мороз.
    Летние колёса лучше менять после того как совсем растает снег.
    Диски мы моем и проверяем на станке без всякой платы за работу.
    Запись на завтра открыта и свободное время осталось только утром.
    Гарантия действует целый год и распространяется на весь товар.
    Наш склад находится за городом и работает до позднего вечера.
    Аккумуляторы мы принимаем обратно и даём за них хорошую скидку.
""".strip().splitlines()
SHORT = "вот и всё что нужно."
PIECES = 4


def long_answer(number: int) -> str:
    """A dozen seconds and more: a clause of its own, then sentences that other answers have as well."""
    rest = (SENTENCES[(number * 5 + step) % len(SENTENCES)].strip() for step in range(PIECES - 1))
    return " ".join((_opening(number), *rest))


def short_answer(number: int) -> str:
    """Two seconds; no voice has said its clause before."""
    return f"{_opening(number)} {SHORT}"


def _opening(number: int) -> str:
    return OPENINGS[number % len(OPENINGS)].capitalize()
