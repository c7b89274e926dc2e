"""The demo as lines: words for a pipe or a file, JSON for programs."""

import json
from collections.abc import Callable
from dataclasses import asdict

from callengine.demo.events import (
    AgentHeard,
    CallerSays,
    Connected,
    Done,
    Ended,
    Event,
    Serving,
    Show,
    Starting,
    TurnInRecord,
)  # fmt: skip
from callengine.demo.report import STAGES, Report
from callengine.shown_use import stage_lines, use_lines

NAMES: dict[type[Event], str] = {
    Starting: "starting",
    Serving: "serving",
    Connected: "connected",
    CallerSays: "caller_says",
    AgentHeard: "agent_heard",
    TurnInRecord: "turn",
    Ended: "ended",
    Done: "done",
}


def json_lines(write: Callable[[str], None]) -> Show:
    """Each event as one JSON object with its name in `event`."""

    def show(event: Event) -> None:
        write(json.dumps({"event": NAMES[type(event)], **_plain(event)}, ensure_ascii=False))

    return show


def word_lines(write: Callable[[str], None]) -> Show:
    """Each event in words."""

    def show(event: Event) -> None:
        write(words_for(event))

    return show


def words_for(event: Event) -> str:
    """One event in words; the last one in several lines."""
    match event:
        case Starting(part=part, detail=detail):
            return f"starting: {part}" + (f" ({detail})" if detail else "")
        case Serving(audiosocket=audiosocket, api=api, data_dir=data_dir):
            return f"the engine serves: AudioSocket on {audiosocket}, HTTP on {api}, its data in {data_dir}"
        case Connected(call_id=call_id):
            return f"call {call_id}: the caller is {event.caller_voice}, the agent's voice is {event.agent_voice}"
        case CallerSays(words=words, at=at):
            return f"{at:7.2f} s  caller {'says over the agent' if event.over_agent else 'says'}: {words}"
        case AgentHeard(at=at, seconds=seconds):
            after = "" if seconds is None else f", {seconds:.2f} s after the caller's last word"
            return f"{at:7.2f} s  the agent begins to speak{after}"
        case TurnInRecord():
            return _turn(event)
        case Ended(by=by, at=at):
            return f"{at:7.2f} s  hung up by {by}"
        case Done(report=report, place=place):
            where = [
                "The record is in PostgreSQL:",
                f"  {place.sql}",
                f"  {place.api_url}",
                f"  both sides, in stereo: {place.recording}",
                f"  all of it in {place.data_dir}",
                place.note,
            ]
            figures = stage_lines((stage, report.spread(stage)) for stage in (*STAGES, "wire"))
            return "\n".join([verdict(report), *figures, *use_lines(report.used, report.cost), *where])


def verdict(report: Report) -> str:
    """One line: how the call went, and what was missing."""
    said = f"The call ended as {report.outcome!r} after {report.seconds:.1f} s"
    return f"{said}; missing: {report.missing}" if report.missing else f"{said}; every utterance was answered"


def timings(seconds: dict[str, float]) -> str:
    """Seconds by stage, on one line."""
    return ", ".join(f"{stage} {seconds[stage]:.2f}" for stage in STAGES if stage in seconds)


def _turn(event: TurnInRecord) -> str:
    turn = event.turn
    if turn.role == "caller":
        return f"{turn.started:7.2f} s  record, caller: {turn.text}"
    cut = " [interrupted]" if turn.interrupted else ""
    return f"{turn.started:7.2f} s  record, agent: {turn.text}{cut} ({timings(dict(turn.timings))})"


def _plain(event: Event) -> dict[str, object]:
    match event:
        case TurnInRecord(turn=turn, number=number):
            return {"number": number, "words": event.words, **turn.model_dump()}
        case Done(report=report, place=place):
            return {
                "outcome": report.outcome,
                "seconds": report.seconds,
                "missing": report.missing,
                "turns": [
                    {
                        "number": exchange.number,
                        "words": exchange.spoken.utterance.words,
                        "recognised": exchange.recognised,
                        "answers": [turn.text for turn in exchange.answers],
                        "interrupted": any(turn.interrupted for turn in exchange.answers),
                        "seconds": exchange.seconds,
                    }
                    for exchange in report.exchanges
                ],
                "stages": {stage: report.spread(stage) for stage in (*STAGES, "wire")},
                "used": [used.model_dump() for used in report.used],
                "cost_usd": report.cost and report.cost.model_dump(),
                "place": asdict(place),
            }
        case _:
            return asdict(event)
