"""The shop agent's mind: from what was said and found so far to what is said or asked of the Store next. Pure.

It has no memory of its own: the state is folded anew from a call's history for every reply.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from backends.dialog import phrasing
from backends.dialog.understanding import Goods, Understood, bare_size, understand
from backends.dialog.vocabulary import Vocabulary
from callengine.ports.reasoning import CALL_BACK, END_CALL, REPEAT, TRANSFER

_MOST_MISSES = 2
_MOST_ORDER_DIGITS = 6
_FEWEST_PHONE_DIGITS = 10
_FEWEST_CALL_BACK_DIGITS = 5  # a town's number
_SET_OF_TYRES = 4


_NOTHING_SAID = Goods()


@dataclass(frozen=True, slots=True)
class State:
    """What is known in a call. `asked`: the agent's open question: size, number, person, call_back, more, or none."""

    goods: Goods = _NOTHING_SAID
    asked: str = ""
    misses: int = 0
    products: tuple[Mapping[str, Any], ...] = ()
    question: str = ""  # the caller's last words
    said: str = ""  # and ours


@dataclass(frozen=True, slots=True)
class Move:
    """What to do next: say something, then perhaps run a tool; `state` is what is known afterwards."""

    state: State
    text: str = ""
    tool: str = ""
    arguments: Mapping[str, Any] | None = None


Rule = Callable[[Understood, State, Vocabulary], Move | None]


def answer_caller(text: str, state: State, words: Vocabulary) -> Move:
    """The move upon an utterance: the first rule that has one."""
    heard = understand(text, words)
    state = replace(state, question=text)
    for rule in RULES:
        if (move := rule(heard, state, words)) is not None:
            return replace(move, state=replace(move.state, misses=0))
    misses = state.misses + 1
    if misses > _MOST_MISSES:
        return Move(replace(state, misses=misses, asked="person"), words.say("offer_person"))
    if misses == 1 and state.asked in ("size", "number"):
        phrase = "ask_size_again" if state.asked == "size" else "ask_number"
    else:
        phrase = "ask_again" if misses == 1 else "ask_again_2"
    return Move(replace(state, misses=misses), words.say(phrase))


def answer_result(tool: str, content: str, is_error: bool, state: State, words: Vocabulary) -> Move:
    """The move upon a tool's result: say it, and remember what it offers."""
    found = json.loads(content)
    if is_error:
        return _explain(tool, found, state, words)
    match tool:
        case "find_products":
            shown = tuple(found["products"][: phrasing.MOST_ITEMS])
            return Move(replace(state, products=shown), phrasing.products(found, state.goods.size, words))
        case "product_details":
            return Move(state, phrasing.details(found, words))
        case "order_status":
            return Move(state, phrasing.order(found, words))
        case "orders_by_phone":
            return Move(replace(state, asked="" if found["orders"] else "number"), phrasing.orders(found, words))
        case "opening_hours":
            address = understand(state.question, words).has("address")
            phrase = "branch_address" if address else "branch_hours"
            said = phrasing.branches(found, state.question, phrase, words)
            return Move(state, said) if said else _explain(tool, found, state, words)
        case CALL_BACK.name:
            return Move(replace(state, asked="more"), words.say("call_back_noted"))
        case _:
            return Move(state)


def _explain(tool: str, found: Mapping[str, Any], state: State, words: Vocabulary) -> Move:
    problem = str(found.get("error", ""))
    if tool == "order_status" and "no order" in problem:
        number = understand(state.question, words).digits
        return Move(replace(state, asked="number"), words.say("no_order", number=number))
    if tool == "orders_by_phone" and "hidden" in problem:
        return Move(replace(state, asked="number"), words.say("ask_number"))
    if tool == TRANSFER.name:  # the shop's own words for it, then ours
        told = f"{found.get('say', '')} {words.say('offer_call_back')}".strip()
        return Move(replace(state, asked="call_back"), told)
    if tool == CALL_BACK.name:
        return Move(replace(state, asked="call_back"), words.say("ask_phone"))
    return Move(replace(state, asked="person"), words.say("trouble"))


def _person(heard: Understood, state: State, words: Vocabulary) -> Move | None:
    if heard.has("person") or (state.asked == "person" and heard.has("yes") and not heard.has("no")):
        return Move(replace(state, asked=""), tool=TRANSFER.name)
    return None


def _call_back(heard: Understood, state: State, words: Vocabulary) -> Move | None:
    asked = state.asked == "call_back"
    number = {"number": heard.digits} if asked and len(heard.digits) >= _FEWEST_CALL_BACK_DIGITS else {}
    if number or heard.has("call_back") or (asked and heard.has("yes") and not heard.has("no")):
        return Move(replace(state, asked=""), tool=CALL_BACK.name, arguments=number)
    return None


def _order(heard: Understood, state: State, words: Vocabulary) -> Move | None:
    about_order = heard.has("order")
    expected = state.asked == "number"
    if not (about_order or expected) or (heard.goods.arguments and not about_order):
        return None
    if len(heard.digits) >= _FEWEST_PHONE_DIGITS:
        return Move(replace(state, asked=""), tool="orders_by_phone", arguments={"phone": heard.digits})
    if 0 < len(heard.digits) <= _MOST_ORDER_DIGITS and int(heard.digits) > 0:
        return Move(replace(state, asked=""), tool="order_status", arguments={"number": int(heard.digits)})
    if heard.has("unknown"):
        return Move(replace(state, asked=""), tool="orders_by_phone", arguments={})
    return Move(replace(state, asked="number"), words.say("ask_number")) if about_order else None


def _branches(heard: Understood, state: State, words: Vocabulary) -> Move | None:
    if heard.has("hours", "address"):
        return Move(replace(state, asked=""), tool="opening_hours", arguments={})
    return None


def _goods(heard: Understood, state: State, words: Vocabulary) -> Move | None:
    goods = heard.goods
    if state.asked == "size" and not goods.size and (size := bare_size(state.goods.category, heard)):
        goods = replace(goods, size=size)
    if not goods.arguments:
        skipped = state.asked == "size" and heard.has("unknown")
        return _search(state, state.goods) if skipped else None
    if _names_only_what_was_shown(goods, heard, state):
        return None
    merged = _merged(state.goods, goods)
    vague = merged.category in ("tyre", "wheel") and not merged.size and not merged.brand
    if vague and state.asked != "size":
        return Move(replace(state, goods=merged, asked="size", products=()), words.say("ask_size"))
    return _search(state, merged)


def _names_only_what_was_shown(goods: Goods, heard: Understood, state: State) -> bool:
    """«А сколько стоят эти шины?» is about the tyres just found, not a new search."""
    known = state.goods.arguments
    return (
        bool(state.products)
        and heard.has("price", "stock", "buy")
        and all(known.get(name) == value for name, value in goods.arguments.items())
    )


def _merged(known: Goods, said: Goods) -> Goods:
    """What was known with what is said now on top; another category, or season, begins anew."""
    if said.category and known.category and said.category != known.category:
        known = _NOTHING_SAID
    if said.season and known.season and said.season != known.season:
        known = Goods(category=known.category, size=known.size)
    return Goods(
        category=said.category or known.category,
        season=said.season or known.season,
        size=said.size or known.size,
        brand=said.brand or known.brand,
        text=said.text or ("" if said.season else known.text),
    )


def _search(state: State, goods: Goods) -> Move:
    return Move(replace(state, goods=goods, asked=""), tool="find_products", arguments=goods.arguments)


def _follow_up(heard: Understood, state: State, words: Vocabulary) -> Move | None:
    """Price, stock or choice of what was found before."""
    if not state.products:
        return Move(state, words.say("ask_product")) if heard.has("price", "stock") else None
    at = heard.ordinal if heard.ordinal is not None and heard.ordinal < len(state.products) else None
    is_there = heard.has("stock") or (heard.has("search") and heard.has("it"))
    if at is None and not is_there and not heard.has("price"):
        return None
    product = state.products[at or 0]
    narrowed = replace(state, products=(product,) if at is not None else state.products, asked="")
    if is_there or not heard.has("price"):
        return Move(narrowed, tool="product_details", arguments={"product_id": product["id"]})
    quantity = next((number for number in heard.numbers if 2 <= number <= 20), 0)
    if any(word.startswith("комплект") or word == "set" for word in heard.words):
        quantity = _SET_OF_TYRES
    if quantity == 0 and len(narrowed.products) > 1:
        found = {"products": narrowed.products, "total": len(narrowed.products)}
        return Move(narrowed, phrasing.products(found, state.goods.size, words))
    return Move(narrowed, phrasing.price_of(product, quantity, words))


def _buy(heard: Understood, state: State, words: Vocabulary) -> Move | None:
    return Move(replace(state, asked="person"), words.say("offer_buy")) if heard.has("buy") else None


def _ending(heard: Understood, state: State, words: Vocabulary) -> Move | None:
    refused = heard.has("no") and not heard.has("yes")
    if heard.has("goodbye") or (refused and state.asked == "more"):
        return Move(replace(state, asked=""), words.say("goodbye"), END_CALL.name, {})
    if refused:
        return Move(replace(state, asked="more"), words.say("fine"))
    return Move(replace(state, asked="more"), words.say("welcome")) if heard.has("thanks") else None


def _free_search(heard: Understood, state: State, words: Vocabulary) -> Move | None:
    """Something is asked for in words the agent does not know; the Store may."""
    if heard.has("search") and len(heard.words) > 1:
        return _search(replace(state, products=()), Goods(text=heard.text[:200]))
    return None


def _small_talk(heard: Understood, state: State, words: Vocabulary) -> Move | None:
    if heard.has("slower"):
        return Move(state, tool=REPEAT.name)
    if heard.has("repeat") and state.said:
        return Move(state, state.said)
    if heard.has("hello"):
        return Move(state, words.say("hello"))
    return Move(replace(state, asked=""), words.say("listening")) if heard.has("yes") else None


RULES: tuple[Rule, ...] = (
    _call_back,
    _person,
    _order,
    _branches,
    _goods,
    _follow_up,
    _buy,
    _ending,
    _free_search,
    _small_talk,
)
