"""What a caller who says nothing hears: each phrase once, then goodbye; whoever does something hears them anew."""

import pytest

from callengine.agent import load_agent
from callengine.call.ending import Ending
from callengine.call.presence import SILENT_LINE
from callengine.call.reprompts import Reprompts

AGENT = load_agent(None, "en-GB").model_copy(update={"no_input": ("one", "two"), "goodbye": "bye"})


@pytest.mark.parametrize(("silent", "ending"), [(True, Ending("no_input", SILENT_LINE)), (False, Ending("no_input"))])
def test_each_phrase_once_and_then_goodbye(silent: bool, ending: Ending) -> None:
    reprompts = Reprompts(AGENT)
    said = [reprompts.next(silent=silent) for _ in range(3)]
    assert said == [("one", None), ("two", None), ("bye", ending)]


def test_a_caller_who_did_something_hears_them_anew() -> None:
    reprompts = Reprompts(AGENT)
    assert reprompts.next(silent=False) == ("one", None)
    reprompts.begin_anew()
    assert [reprompts.next(silent=False)[0] for _ in range(3)] == ["one", "two", "bye"]


def test_an_agent_without_phrases_says_goodbye_at_once() -> None:
    assert Reprompts(AGENT.model_copy(update={"no_input": ()})).next(silent=False) == ("bye", Ending("no_input"))
