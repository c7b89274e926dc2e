"""What was heard: never more than was played, word by word where the voice knows its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.call.history import History, Piece, heard_text
from callengine.ports.reasoning import AgentSaid, CallerSaid, Misheard, as_said
from callengine.ports.synthesis import WordMark
from callengine.ports.tools import ToolCall, ToolResult

WORDS = st.lists(st.sampled_from(["да", "есть", "зимние", "шины,", "R16.", "1 299", "—"]), min_size=1, max_size=8)


@st.composite
def spoken(draw: st.DrawFn) -> list[Piece]:
    """Pieces one after the other; the last one may be in the making, each may have word marks."""
    pieces: list[Piece] = []
    begin = draw(st.integers(0, 5000))
    for last in [False] * draw(st.integers(0, 3)) + [True]:
        words = draw(WORDS)
        text = " ".join(words)
        end = begin + draw(st.integers(0 if last else 160, 40000))
        starts = [len(" ".join(words[:n])) + (n > 0) for n in range(len(words))]
        marks = tuple(WordMark(start, start * 300) for start in starts) if draw(st.booleans()) else ()
        pieces.append(Piece(text, begin, end, marks, complete=not last or draw(st.booleans())))
        begin = end
    return pieces


@given(spoken(), st.lists(st.integers(0, 200_000), min_size=2, max_size=8))
def test_more_played_is_never_less_heard(pieces: list[Piece], played: list[int]) -> None:
    whole = " ".join(piece.text for piece in pieces)
    before = ""
    for position in sorted(played):
        heard = heard_text(pieces, position)
        assert heard.startswith(before)
        assert whole.startswith(heard)
        assert heard == heard.strip()
        before = heard


@given(spoken(), st.integers(0, 200_000))
def test_only_whole_words_of_pieces_that_had_begun(pieces: list[Piece], played: int) -> None:
    heard = heard_text(pieces, played).split()
    begun = [word for piece in pieces if piece.begin < played or piece.end <= played for word in piece.text.split()]
    assert heard == begun[: len(heard)]
    finished = [piece for piece in pieces if piece.complete and piece.end <= played]
    assert len(heard) >= sum(len(piece.text.split()) for piece in finished)


@pytest.mark.parametrize(
    ("played", "heard"),
    [
        (0, ""),
        (1000, ""),
        (1001, "Есть"),
        (2000, "Есть"),
        (2001, "Есть зимние"),
        (3001, "Есть зимние шины."),
        (8999, "Есть зимние шины."),
        (99999, "Есть зимние шины."),
    ],
)
def test_word_marks_are_exact(played: int, heard: str) -> None:
    marks = (WordMark(0, 0), WordMark(5, 1000), WordMark(12, 2000))
    assert heard_text([Piece("Есть зимние шины.", 1000, 9000, marks, complete=True)], played) == heard


@pytest.mark.parametrize(
    ("played", "heard"),
    [(0, ""), (39, ""), (40, "aaaa"), (89, "aaaa"), (90, "aaaa bbbb"), (139, "aaaa bbbb"), (140, "aaaa bbbb cccc")],
)
def test_without_marks_by_proportion_in_whole_words(played: int, heard: str) -> None:
    assert heard_text([Piece("aaaa bbbb cccc", 0, 140, complete=True)], played) == heard


def test_a_piece_in_the_making_is_not_taken_for_whole() -> None:
    """All that the voice has made so far was played: that is no measure of how much of the text it was."""
    text = "Есть зимние шины на любой вкус и кошелёк, приезжайте."
    piece = Piece(text, 0, 4000)
    assert heard_text([piece], 4000) == "Есть"
    assert text.startswith(heard_text([piece], 10**9))
    assert heard_text([piece], 10**9) != text


def test_the_items_in_order() -> None:
    history, call = History(), ToolCall("1", "search")
    history.caller("шины")
    history.tools(1, [(call, ToolResult("1", "{}"))])
    history.agent("Есть зим", interrupted=True)
    history.agent("", interrupted=True)  # nothing heard is nothing said
    assert history.items == [CallerSaid("шины"), call, ToolResult("1", "{}"), AgentSaid("Есть зим", True)]


def test_a_turn_that_goes_on_is_taken_back_with_what_was_looked_up() -> None:
    history = History()
    history.take_back()
    history.agent("Здравствуйте!", interrupted=False)
    history.caller("шины")
    history.tools(2, [(ToolCall("1", "search"), ToolResult("1", "{}"))])
    history.take_back()
    assert history.items == [AgentSaid("Здравствуйте!")]


def test_what_was_written_for_a_turn_that_goes_on_stays() -> None:
    history, order = History(), (ToolCall("2", "order"), ToolResult("2", "{}"))
    history.agent("Здравствуйте!", interrupted=False)
    history.caller("закажите шины")
    history.tools(2, [(ToolCall("1", "search"), ToolResult("1", "{}")), order], ["2"])
    history.take_back()
    history.caller("закажите шины и насос")
    assert history.items == [AgentSaid("Здравствуйте!"), *order, CallerSaid("закажите шины и насос")]
    history.take_back()
    assert history.items == [AgentSaid("Здравствуйте!"), *order]


def test_a_result_that_comes_late_stands_behind_what_it_was_asked_for() -> None:
    history, order = History(), (ToolCall("1", "order"), ToolResult("1", "{}"))
    history.caller("закажите шины")
    place = len(history.items)
    history.agent("Оформ", interrupted=True)
    history.caller("и насос")
    history.tools(place, [order], ["1"])
    assert history.items == [
        CallerSaid("закажите шины"), *order, AgentSaid("Оформ", True), CallerSaid("и насос"),
    ]  # fmt: skip


def test_a_result_whose_turn_was_taken_back_meanwhile_stands_behind_the_whole_turn() -> None:
    history, order = History(), (ToolCall("1", "order"), ToolResult("1", "{}"))
    history.caller("закажите шины")
    place = len(history.items)
    history.take_back()
    history.caller("закажите шины и насос")
    history.tools(place, [order], ["1"])
    assert history.items == [CallerSaid("закажите шины и насос"), *order]


def test_a_late_final_mends_the_newest_turn_of_the_caller() -> None:
    history = History()
    history.correct_caller("nobody")
    history.caller("один")
    history.caller("шимы")
    history.agent("Есть.", interrupted=False)
    before = list(history.items)
    history.correct_caller("шины")
    assert history.items == [*before, Misheard("шимы", "шины")]
    assert as_said(history.items) == (CallerSaid("один"), CallerSaid("шины"), AgentSaid("Есть."))
    history.correct_caller("Шины.")
    assert history.items == [*before, Misheard("шимы", "шины")], "the dialog knows these words"
    history.correct_caller("машины")
    assert history.items[len(before) :] == [Misheard("шимы", "шины"), Misheard("шимы", "машины")]
    assert as_said(history.items)[1] == CallerSaid("машины")


def test_a_late_final_of_the_same_words_tells_the_dialog_nothing() -> None:
    history = History()
    history.caller("еще шины")
    history.correct_caller("Ещё шины.")
    assert history.items == [CallerSaid("еще шины")]


def test_a_turn_that_goes_on_comes_again_as_it_was_said() -> None:
    history = History()
    history.caller("шимы")
    history.correct_caller("шины")
    history.take_back()
    assert history.items == []
