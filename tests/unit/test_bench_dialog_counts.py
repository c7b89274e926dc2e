"""What the bench of a conversation counts: a figure that cannot be computed is told, and no figure."""

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
    account_for(waits, "раз", STAGES, [0.002, 0.003])
    account_for(waits, "два", {name: 0.01 for name in OWN if name != "first_token"}, [0.002, 0.003])
    account_for(waits, "три", STAGES, [0.002, None])
    account_for(waits, "четыре", {}, [0.0, 0.0])
    assert [round(seconds, 4) for seconds in waits.own] == [0.035]
    assert [one.partition(":")[0] for one in waits.unknown] == ["два", "три", "четыре"]
    assert "first_token" in waits.unknown[0]


def asked(*turns: str) -> dict[str, Any]:
    """A request as the dialog lays it out: the greeting, then the caller's turns and answers by turns."""
    texts = ["begins", "Здравствуйте!", *turns]
    messages = [
        {"role": "assistant" if at % 2 else "user", "content": [{"type": "text", "text": text}]}
        for at, text in enumerate(texts)
    ]
    for message in [one for one in messages if one["role"] == "user"][-2:]:
        message["content"][-1] |= CACHED  # type: ignore[index,operator]
    return {"model": "m", "system": [{"type": "text", "text": "s", **CACHED}], "messages": messages}


def counted(*requests: dict[str, Any]) -> tuple[int, int, int, int]:
    api = MessagesApi()
    api.received = [Received(_bytes(request), {}) for request in requests]
    found = count_prefixes(api, ["раз", "иное"])
    return found.followed, found.stable, found.said_anew, found.strange


def _bytes(request: dict[str, Any]) -> bytes:
    import json

    return json.dumps(request).encode()
