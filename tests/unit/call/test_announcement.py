"""What is to be said to whom before they hear the caller; the saying itself is in tests/sim/test_announcement.py."""

from uuid import UUID, uuid4

import pytest

from callengine.agent import load_agent
from callengine.call.announcement import KEPT, LONGEST_CHARACTERS, Announcements, pieces_of
from callengine.call.ending import Ending

AGENT = load_agent(None, "ru-RU")  # its operator is told
CALL = UUID(int=7)


def kept(ending: Ending) -> Announcements:
    announcements = Announcements()
    announcements.keep(CALL, AGENT, ending)
    return announcements


def test_each_question_has_a_connection_of_its_own_which_speaks_once() -> None:
    announcements = kept(Ending("transferred", "", "operator", "Ищет шины."))
    first, second = announcements.ask(CALL), announcements.ask(CALL)
    assert first is not None and second is not None and first != second
    assert announcements.take(first) == (AGENT.prompt("Ищет шины."),)
    assert announcements.take(first) is None
    assert announcements.take(second) is not None
    assert announcements.ask(uuid4()) is None


@pytest.mark.parametrize(
    "ending",
    [
        Ending("completed"),
        Ending("transferred", "", "operator", ""),
        Ending("failed", "", "operator", "Ищет шины."),
    ],
    ids=["no transfer", "nothing to say", "failed"],
)
def test_where_nothing_is_to_be_said(ending: Ending) -> None:
    assert kept(ending).ask(CALL) is None


def test_old_ones_are_forgotten() -> None:
    announcements = kept(Ending("transferred", "", "operator", "Ищет шины."))
    asked = announcements.ask(CALL)
    for number in range(KEPT):
        announcements.keep(UUID(int=100 + number), AGENT, Ending("transferred", "", "operator", "Ещё."))
        announcements.ask(UUID(int=100 + number))
    assert announcements.ask(CALL) is None
    assert asked is not None
    assert announcements.take(asked) is None


def test_a_long_summary_is_cut_between_pieces() -> None:
    sentence = "Клиент очень подробно рассказывает о своих зимних шинах и дисках. "
    pieces = [prompt.text for prompt in pieces_of(sentence * 9, AGENT)]
    assert 0 < sum(map(len, pieces)) <= LONGEST_CHARACTERS
    assert pieces_of("а" * 1000, AGENT), "never nothing"
