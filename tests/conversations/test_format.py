"""The format of conversations: what is wrong is told by its line; what a file wants is held against a call."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from callengine.ports.journal import CallClosed, ToolRecorded
from tests.conversations.play import Played, TurnPlayed
from tests.conversations.script import Conversation, ScriptError, parse
from tests.conversations.stand_in import acts_of
from tests.conversations.verdicts import problems, says
from tests.messages_api import Act, Tool

GOOD = """\
about = "An order."
language = "en-GB"
never = ["**"]
dialogs = ["claude"]

[ending]
outcome = "completed"

[[turn]]
caller = "Is it there?"
tools = [{ name = "order_status", arguments = { number = 1042 } }]
not_tools = ["place_order"]
facts = ["on its way|in transit"]
says = ["Order 1042 is on its way."]

[[turn]]
keys = "12#"

[[turn]]
caller = "Bye."
after = 1.5
says = ["Goodbye!"]
"""


def read(text: str) -> Conversation:
    return parse(text, "x.toml")


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('about = "An order."', "", "x.toml:2: about: Field required"),
        ('language = "en-GB"', "language = 5", "x.toml:2: language: Input should be a valid string"),
        ('"claude"', '"claudia"', "x.toml:4: dialogs.0: Input should be 'scripted' or 'claude'"),
        ('"completed"', '"well"', "x.toml:7: ending.outcome: Input should be 'completed', 'transferred', "),
        ('caller = "Is it there?"', 'call = "Is it there?"', "x.toml:10: turn.0.call: Extra inputs are not permitted"),
        ('keys = "12#"', 'keys = "12x"', "x.toml:17: turn.1.keys: String should match pattern"),
        ('keys = "12#"', "silence = 0", "x.toml:17: turn.1.silence: Input should be greater than 0"),
        ('keys = "12#"', 'keys = "1"\ncaller = "One."', "x.toml:16: turn.1: a turn is one of: caller (words), keys,"),
        ('keys = "12#"', "", "x.toml:16: turn.1: a turn is one of: caller (words), keys, silence (seconds)"),
        ("after = 1.5", "cuts_off = false", "x.toml:19: turn.2: cuts_off: there is nothing to cut off"),
        ("[[turn]]", "[[turn", "x.toml is not TOML: "),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_in_one_line(was: str, becomes: str, told: str) -> None:
    assert was in GOOD
    with pytest.raises(ScriptError) as caught:
        read(GOOD.replace(was, becomes, 1))
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


def test_the_stand_in_says_what_the_file_wants() -> None:
    assert acts_of(read(GOOD)) == [
        Act("", (Tool("order_status", {"number": 1042}),)),
        Act("Order 1042 is on its way."),
        Act("Хорошо."),
        Act("Goodbye!", (Tool("end_call"),)),
    ]


@pytest.mark.parametrize(
    ("text", "wanted", "found"),
    [
        ("Она стоит 9 890 рублей.", "9890", True),
        ("It is 15,640 roubles.", "15 640", True),
        ("Всё ещё  ЕСТЬ", "все еще есть", True),
        ("10 42", "1042", False),
        ("in transit", "on its way|in transit", True),
        ("there", "on its way|in transit", False),
    ],
)
def test_words_are_compared_as_they_are_heard(text: str, wanted: str, found: bool) -> None:
    assert says(text, wanted) is found


STATUS = ToolRecorded("c", 2, "order_status", {"number": 1042}, "{}", False, 1.0, 0.1)
WELL = Played(
    "Hello!",
    (
        TurnPlayed("Order 1042 is on its way.", False, (STATUS,)),
        TurnPlayed("Very well", True, ()),
        TurnPlayed("Goodbye!", False, ()),
    ),
    CallClosed("c", datetime(2026, 3, 1, tzinfo=UTC), 20.0, "completed", "", ""),
    False,
    (),
)


def of(turn: int, **changes: object) -> Played:
    """The call that went well, with something else in one turn."""
    turns = list(WELL.turns)
    turns[turn] = replace(turns[turn], **changes)  # type: ignore[arg-type]
    return replace(WELL, turns=tuple(turns))


def test_a_call_that_went_well_has_no_problem() -> None:
    assert problems(read(GOOD), WELL, exact=True) == []
    assert problems(read(GOOD), WELL, exact=False) == []


ORDER = replace(STATUS, name="place_order")


@pytest.mark.parametrize(
    ("played", "told", "of_a_model"),
    [
        (of(0, words="It was sent."), "'on its way|in transit' was not said", True),
        (of(0, words="It is in transit."), "'Order 1042 is on its way.' was not said", False),
        (of(0, words="Order 1042 is on its way. **"), "'**' was said", True),
        (of(0, tools=()), "order_status", True),
        (of(0, tools=(replace(STATUS, arguments={"number": 1}),)), "order_status", True),
        (of(0, tools=(replace(STATUS, is_error=True),)), "order_status", True),
        (of(0, tools=(STATUS, replace(STATUS, name="opening_hours"))), "opening_hours", False),
        (of(0, tools=(STATUS, ORDER)), "place_order was run, and must not be", True),
        (of(1, cut_off=False), "the agent was not cut off", False),
        (of(2, cut_off=True), "the agent was cut off", True),
        (replace(WELL, hung_up=True), "the call ended as", True),
        (replace(WELL, turns=WELL.turns[:2]), "the call was over before it", True),
    ],
    ids=str,
)
def test_what_is_not_as_the_file_wants_it_is_told(played: Played, told: str, of_a_model: bool) -> None:
    assert any(told in problem for problem in problems(read(GOOD), played, exact=True))
    assert bool(problems(read(GOOD), played, exact=False)) is of_a_model


def test_a_model_may_look_up_earlier_and_more() -> None:
    moved = replace(STATUS, arguments={"number": 1042, "language": "en"})
    script = read(GOOD.replace("[[turn]]", '[[turn]]\ncaller = "Hello."\n\n[[turn]]', 1))
    early = replace(WELL, turns=(TurnPlayed("Hello.", False, (moved,)), of(0, tools=()).turns[0], *WELL.turns[1:]))
    assert problems(script, early, exact=False) == []
