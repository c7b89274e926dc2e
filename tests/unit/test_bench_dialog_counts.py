"""What the bench of a conversation counts: a figure that cannot be computed is told, and no figure."""

import json
from typing import Any

from callengine.call.timing import ResponseTimes
from tests.bench.dialog.disturbances import Disturbance
from tests.bench.dialog.prefix import count_prefixes
from tests.bench.dialog.report import prefixes, resumed
from tests.bench.dialog.turns import OWN, Waits, account_for
from tests.messages_api import MessagesApi
from tests.messages_api.server import Received

STAGES = dict.fromkeys(OWN, 0.01)
CACHED = {"cache_control": {"type": "ephemeral"}}


def test_the_own_part_is_made_of_stages_that_the_engine_has() -> None:
    times = ResponseTimes(1.0, 1.5, 1.5, 1.52, 1.54, flush=0.004, first_token=1.51)
    assert set(OWN) <= times.stages().keys()
    assert round(sum(times.stages()[name] for name in OWN), 4) == round(0.004 + 1.54 - 1.5, 4)


def test_a_turn_without_a_stage_or_without_what_the_stand_ins_took_is_no_figure() -> None:
    waits = Waits()
    account_for(waits, "раз", STAGES, 0.005)
    account_for(waits, "два", {name: 0.01 for name in OWN if name != "first_token"}, 0.005)
    account_for(waits, "три", STAGES, None)
    account_for(waits, "четыре", {}, 0.0)
    assert [round(seconds, 4) for seconds in waits.own] == [0.035]
    assert [one.partition(":")[0] for one in waits.unknown] == ["два", "три", "четыре"]
    assert "first_token" in waits.unknown[0]


def asked(*turns: str) -> dict[str, Any]:
    """A request as the dialog lays it out: the greeting, then the caller's turns and the answers by turns."""
    messages: list[dict[str, Any]] = []
    for at, text in enumerate(("begins", "Здравствуйте!", *turns)):
        messages.append({"role": "assistant" if at % 2 else "user", "content": [{"type": "text", "text": text}]})
    for message in messages[0::2][-2:]:
        message["content"][-1].update(CACHED)
    return {"model": "m", "system": [{"type": "text", "text": "s", **CACHED}], "messages": messages}


def counted(*requests: dict[str, Any]) -> tuple[int, int, int, int]:
    api = MessagesApi()
    api.received = [Received(json.dumps(request).encode(), {}) for request in requests]
    found = count_prefixes(api, ["раз", "иное"])
    return found.followed, found.stable, found.said_anew, found.strange


def test_requests_that_grow_are_stable_and_one_that_changes_is_not() -> None:
    grown = [asked("раз"), asked("раз", "Да.", "два"), asked("раз", "Да.", "два", "Нет.", "три")]
    assert counted(*grown) == (2, 2, 0, 0)
    assert counted(grown[0], asked("иное", "Да.", "два")) == (0, 0, 0, 0), "another call"
    assert counted(grown[1], asked("раз", "Да!", "два", "Нет.", "три")) == (1, 0, 0, 0)
    assert counted(*grown, asked("чужое")) == (2, 2, 0, 1)


def test_a_turn_that_was_taken_back_is_none_of_the_prefix_and_what_came_before_it_is() -> None:
    one, whole = asked("раз", "Да.", "два"), asked("раз", "Да.", "два и ещё")
    assert counted(asked("раз"), one, whole, asked("раз", "Да.", "два и ещё", "Нет.", "три")) == (3, 3, 1, 0)
    assert counted(asked("раз"), asked("раз и ещё")) == (0, 0, 1, 0)
    assert counted(asked("раз"), one, asked("раз", "Иначе.", "два и ещё")) == (2, 1, 0, 0), "history has changed"
    assert counted(asked("раз"), one, asked("раз", "Да.", "другое")) == (2, 1, 0, 0), "other words are no more words"
    assert counted(asked("раз"), one, one) == (2, 2, 0, 0), "a second attempt"


def test_what_is_counted_is_told() -> None:
    api = MessagesApi()
    api.received = [
        Received(json.dumps(one).encode(), {}) for one in (asked("раз"), asked("раз и ещё"), asked("чужое"))
    ]
    every, strange = prefixes(count_prefixes(api, ["раз"]))
    assert (every.found, every.ok, strange.ok) == ("0 of 0", False, False)
    assert "1 said anew" in every.what


def test_noises_that_were_not_made_are_not_resumed() -> None:
    well = [Disturbance("knock", "one", 0.0, resumed=True, late=False)] * 19
    assert [one.ok for one in resumed(well, 19)] == [True, True, True]
    share, made, late = resumed([*well[:17], Disturbance("knock", "two", 0.0, resumed=True, late=True)], 20)
    assert (share.found, share.ok, made.found, late.found) == ("90.0%", False, "2", "1")
