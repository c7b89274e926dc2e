"""Results of the Store's tools as sentences for a voice: prices, pieces and dates as they are said. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from backends.dialog.matching import words_of
from backends.dialog.vocabulary import Vocabulary

MOST_ITEMS = 3  # nobody remembers more on the phone
_FEW = range(2, 5)
_TEENS = range(11, 15)
_SAME_WORD = 6  # letters that show a branch's name in what the caller said, whatever the ending

Item = Mapping[str, Any]


def counted(number: int, forms: Sequence[str]) -> str:
    """The form of a noun behind a number: two forms (1, others) or the Russian three (1, 2-4, others)."""
    if len(forms) == 2:
        return forms[0] if number == 1 else forms[1]
    if number % 100 in _TEENS:
        return forms[2]
    return forms[0] if number % 10 == 1 else forms[1] if number % 10 in _FEW else forms[2]


def money(amount: Decimal, words: Vocabulary) -> str:
    """An amount of roubles: "12 500 рублей", "10,450 roubles 50 kopecks"."""
    roubles, kopecks = divmod(int(amount * 100), 100)
    said = f"{_grouped(roubles, words)} {counted(roubles, words.units['rouble'])}"
    return f"{said} {kopecks} {counted(kopecks, words.units['kopeck'])}" if kopecks else said


def pieces(number: int, words: Vocabulary) -> str:
    return f"{number} {counted(number, words.units['piece'])}"


def day(iso: str, words: Vocabulary) -> str:
    """A date as it is said: "24 ноября"."""
    found = date.fromisoformat(iso[:10])
    return f"{found.day} {words.units['months'][found.month - 1]}"


def products(found: Item, size: str, words: Vocabulary) -> str:
    """What `find_products` found; a size the caller said himself is not read back in every line."""
    items: Sequence[Item] = found["products"][:MOST_ITEMS]
    if not items:
        return words.say("none_found")
    if len(items) == 1:
        return product(items[0], words)
    lines = [words.say("many_found", total=found.get("total", len(items)))]
    for at, item in enumerate(items, 1):
        name = " ".join(item["name"].replace(size, "").split()) if size else item["name"]
        lines.append(words.say("list_item", ordinal=words.say(f"ordinal_{at}"), name=name, price=_price(item, words)))
    return " ".join(lines)


def product(item: Item, words: Vocabulary) -> str:
    """One product in a sentence, with whether it is in stock."""
    phrase = "product_in_stock" if item["in_stock"] else "product_sold_out"
    return words.say(phrase, name=item["name"], price=_price(item, words), pieces=pieces(item["in_stock"], words))


def details(item: Item, words: Vocabulary) -> str:
    """What `product_details` says: the price, and where it is."""
    price = words.say("price_of", name=item["name"], price=_price(item, words))
    lines = [
        words.say("branch_stock", branch=line["branch"], pieces=pieces(line["in_stock"], words))
        for line in item["branches"][:MOST_ITEMS]
    ]
    return f"{price} {words.say('branches_stock', branches='; '.join(lines)) if lines else words.say('sold_out')}"


def price_of(item: Item, quantity: int, words: Vocabulary) -> str:
    """The price of a product, and of several pieces of it."""
    said = words.say("price_of", name=item["name"], price=_price(item, words))
    if quantity < 2:
        return said
    total = money(Decimal(item["price"]) * quantity, words)
    return f"{said} {words.say('price_of_many', pieces=pieces(quantity, words), price=total)}"


def order(found: Item, words: Vocabulary) -> str:
    """The state of an order: what, when and where, how much."""
    status = found["status"]
    lines = [words.say("order", number=found["number"], status=words.status.get(status, status))]
    if status == "ready":
        lines.append(words.say("order_where", branch=found["branch"]))
    elif status in ("new", "confirmed", "in_transit") and found.get("ready_on"):
        lines.append(words.say("order_when", date=day(found["ready_on"], words), branch=found["branch"]))
    if status not in ("completed", "cancelled"):
        lines.append(words.say("order_total", price=money(Decimal(found["total"]), words)))
    return " ".join(lines)


def orders(found: Item, words: Vocabulary) -> str:
    """The latest order of a phone, and the numbers of the others."""
    items: Sequence[Item] = found["orders"][:MOST_ITEMS]
    if not items:
        return words.say("no_orders")
    latest = order(items[0], words)
    others = ", ".join(str(item["number"]) for item in items[1:])
    return f"{latest} {words.say('other_orders', numbers=others)}" if others else latest


def branches(found: Item, asked: str, phrase: str, words: Vocabulary) -> str:
    """Hours or addresses (by `phrase`) of the branch that was asked for, or of all."""
    items: Sequence[Item] = found["branches"]
    stems = {word[:_SAME_WORD] for word in words_of(asked) if len(word) >= _SAME_WORD}
    named = [item for item in items if any(word[:_SAME_WORD] in stems for word in words_of(_own_name(item, items)))]
    return " ".join(words.say(phrase, **item) for item in (named or items)[:MOST_ITEMS])


def _own_name(item: Item, items: Sequence[Item]) -> str:
    """What tells a branch from the others: «магазин», «шоссе» are in every second name."""
    others = {word[:_SAME_WORD] for other in items if other is not item for word in words_of(other["name"])}
    return " ".join(
        word for word in words_of(item["name"]) if len(word) >= _SAME_WORD and word[:_SAME_WORD] not in others
    )


def _price(item: Item, words: Vocabulary) -> str:
    return money(Decimal(item["price"]), words)


def _grouped(number: int, words: Vocabulary) -> str:
    return f"{number:,}".replace(",", words.units["thousands"])
