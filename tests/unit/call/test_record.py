"""The record: each turn once, in order, and the caller's only when no late final can mend it any more."""

from collections.abc import Sequence

from callengine.call.meter import Meter
from callengine.call.record import Record
from callengine.call.timing import ResponseTimes
from callengine.ports.journal import Entry, ToolRecorded, TurnRecorded
from callengine.ports.tools import ToolCall, ToolResult
from callengine.prices import Prices
from callengine.services.memory import MemoryJournal


def make_record() -> tuple[Record, Sequence[Entry]]:
    journal = MemoryJournal()
    return Record(journal, "c", 100.0, Meter(Prices())), journal.entries


def test_a_caller_s_turn_waits_for_its_answer_and_may_be_mended() -> None:
    record, entries = make_record()
    record.caller("шимы", 101.0, 102.0)
    record.correct_caller("шины")
    assert not entries
    record.agent("Есть.", (103.0, 104.0), False, {"response": 1.0})
    assert entries == [
        TurnRecorded("c", 1, "caller", "шины", 1.0, 2.0),
        TurnRecorded("c", 2, "agent", "Есть.", 3.0, 4.0, False, {"response": 1.0}),
    ]
    record.correct_caller("too late")
    record.release()
    assert len(entries) == 2


def test_a_turn_taken_back_is_not_written() -> None:
    record, entries = make_record()
    record.caller("шины", 101.0, 102.0)
    record.take_back()
    record.caller("шины зимние", 101.0, 103.0)
    record.release()
    assert [entry.text for entry in entries if isinstance(entry, TurnRecorded)] == ["шины зимние"]


def test_two_turns_of_the_caller_in_a_row_are_both_written() -> None:
    record, entries = make_record()
    record.caller("один", None, 102.0)
    record.caller("два", 99.0, 103.0)
    record.agent("", (0.0, 0.0), True, {})  # nothing was heard
    spans = [(entry.text, entry.started, entry.ended) for entry in entries if isinstance(entry, TurnRecorded)]
    assert spans == [("один", 2.0, 2.0), ("два", 0.0, 3.0)]


def test_tools_share_the_numbers_of_turns() -> None:
    record, entries = make_record()
    record.caller("шины", 101.0, 102.0)
    asked = record.tool_asked(ToolCall("1", "search", {"q": "x"}), 102.5)
    record.tool_ended(asked, ToolResult("1", "{}", True), 102.75)
    record.release()
    assert entries == [
        ToolRecorded("c", 2, "search", {"q": "x"}, "{}", True, 2.5, 0.25),
        TurnRecorded("c", 1, "caller", "шины", 1.0, 2.0),
    ]


def test_a_tool_has_its_number_from_when_it_was_asked_for_and_says_that_it_was_cut_off() -> None:
    record, entries = make_record()
    asked = [record.tool_asked(ToolCall(name, name), 101.0) for name in ("first", "second")]
    record.tool_ended(asked[1], ToolResult("second", "{}"), 102.0)
    record.tool_ended(asked[0], None, 103.0)
    assert entries == [
        ToolRecorded("c", 2, "second", {}, "{}", False, 1.0, 1.0),
        ToolRecorded("c", 1, "first", {}, '{"error": "cut off"}', True, 1.0, 2.0),
    ]


def test_stages_of_a_response() -> None:
    times = ResponseTimes(1.0, 1.5, answer_began=1.75, first_token=2.0, first_piece=2.125, first_frame=2.5)
    assert times.stages() == {
        "endpointing": 0.5, "final": 0.25, "first_token": 0.25, "first_sentence": 0.125, "first_audio": 0.375,
        "response": 1.5,
    }  # fmt: skip


def test_a_stage_whose_moments_did_not_come_is_left_out_and_none_is_negative() -> None:
    assert ResponseTimes().stages() == {}
    assert ResponseTimes(pause_over=2.0, answer_began=1.9).stages() == {"final": 0.0}


def test_words_that_nobody_understood_have_their_place_in_the_record() -> None:
    record, entries = make_record()
    record.caller("шины", 101.0, 102.0)
    record.lost(0.0, 5.0, 17.5)
    record.release()
    assert entries == [
        TurnRecorded("c", 2, "caller", "[…]", 5.0, 17.5, timings={"lost": 12.5}),
        TurnRecorded("c", 1, "caller", "шины", 1.0, 2.0),
    ]
