"""What people and programs get to see of a call's use: the demo's closing table and its lines, the same for a call."""

import json
from io import StringIO

import pytest
from rich.console import Console

from callengine.api.records import CallView, CostView, TurnView, UsedView
from callengine.call.timing import STAGES
from callengine.cli.call_record import tell_json, tell_words
from callengine.demo.events import Done, Place
from callengine.demo.lines import json_lines, words_for
from callengine.demo.report import Report, Spoken, report_on
from callengine.demo.screen import summary
from callengine.demo.speech import Utterance
from callengine.ports.journal import Role
from callengine.shown_use import use_lines
from tests.unit.api.fakes import RECORD

USED = (
    UsedView(service="llm", product="claude-haiku-5-5", input_tokens=1200, cache_read_tokens=5300, usd=0.000173),
    UsedView(service="stt", product="google/v2/chirp_3", seconds=61, usd=0.0162666667),
)
COST = CostView(stt=0.0162666667, llm=0.000173, tts=0.0, total=0.0164396667)
TIMINGS = {**dict.fromkeys(STAGES, 0.25), "response": 1.25}
PLACE = Place("http://host/call", "psql", "both.wav", "data", stays=False)


def turn(sequence: int, role: Role, text: str) -> TurnView:
    timings = TIMINGS if role == "agent" else {}
    return TurnView(
        sequence=sequence, role=role, text=text, started=1, ended=2, interrupted=False, timings=timings, used=USED
    )


def view() -> CallView:
    opened = RECORD.opened
    return CallView(
        call_id=opened.call_id, node="n", language="ru-RU", number="", name="", called="", channel="", fields={},
        opened_at=opened.opened_at, closed_at=opened.opened_at, seconds=5.0, outcome="completed", detail="", target="",
        summary="", callbacks=[],
        used=USED, cost_usd=COST, turns=[turn(1, "caller", "шины"), turn(2, "agent", "Есть.")], tools=[],
    )  # fmt: skip


def report() -> Report:
    return report_on([Spoken(Utterance(1, "шины", b"", False), 0.5, 1.5)], 1, view(), "")


def test_the_demo_s_last_lines() -> None:
    lines = words_for(Done(report(), PLACE)).splitlines()
    assert lines[0].endswith("every utterance was answered")
    assert [line.split()[0] for line in lines[1:8]] == [*STAGES, "response", "wire"]
    assert lines[8:11] == [
        "  model       claude-haiku-5-5   tokens: 1200 read, 5300 from the cache, 0 into it, 0 written  $0.0002",
        "  recogniser  google/v2/chirp_3  61 s of audio                                                 $0.0163",
        "  total                                                                                        $0.0164",
    ]


def test_the_demo_s_closing_table() -> None:
    console = Console(width=140, file=StringIO())
    console.print(summary(report()))
    assert isinstance(console.file, StringIO)
    table = console.file.getvalue()
    for words in ("first sentence", "at the wire", "google/v2/chirp_3", "61 s of audio", "$0.0164"):
        assert words in table


def test_the_demo_s_last_line_of_json() -> None:
    written: list[str] = []
    json_lines(written.append)(Done(report(), PLACE))
    done = json.loads(written[0])
    assert done["cost_usd"]["total"] == COST.total
    assert [used["product"] for used in done["used"]] == ["claude-haiku-5-5", "google/v2/chirp_3"]
    assert done["stages"]["response"] == [1.25, 1.25, 1.25]
    assert done["stages"]["wire"] == [1.5, 1.5, 1.5]


def test_where_nothing_was_used_nothing_is_shown() -> None:
    assert use_lines((), None) == []
    assert use_lines((), COST) == []


def test_what_has_no_price_says_so() -> None:
    unknown = [UsedView(service="tts", product="other", characters=9)]
    lines = use_lines(unknown, CostView(stt=0, llm=0, tts=None, total=None))
    assert [line.rsplit("  ", 1)[1] for line in lines] == ["no price", "no price"]


def test_a_placed_call_s_record(capsys: pytest.CaptureFixture[str]) -> None:
    tell_words(view())
    words = capsys.readouterr().out.splitlines()
    assert words[0] == "record: completed after 5.0 s"
    assert len(words) == 1 + len(TIMINGS) + 3
    tell_json(view())
    told = json.loads(capsys.readouterr().out)
    assert (told["event"], told["outcome"], told["cost_usd"]["llm"]) == ("record", "completed", 0.000173)
    assert told["stages"]["final"] == [0.25, 0.25, 0.25]
