"""`callengine call`: place one call to an engine, as Asterisk would, and say what happens."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import trio
import typer

from callengine.caller.address import parse_address
from callengine.caller.events import Event
from callengine.caller.line import NotConnectedError
from callengine.caller.phone import Habits, Phone, describe_ending, open_phone
from callengine.caller.recording import open_recording
from callengine.caller.script import Script, run_script
from callengine.caller.speech import load_speech
from callengine.caller.wire import DIGITS, Dropped
from callengine.errors import ConfigError, ServiceError

_WORDS = {
    "connected": "connected, call {detail}",
    "greeting_started": "the agent greets {seconds:.3f} s after the connection",
    "agent_started": "the agent speaks",
    "agent_stopped": "the agent has stopped, after {seconds:.2f} s",
    "playing": "the caller says {detail}",
    "response": "the agent answers {seconds:.3f} s after the caller's last word",
    "digit": "the caller presses {detail}",
    "hangup": "hung up by {detail}",
}


def call(
    address: Annotated[str, typer.Argument(metavar="HOST:PORT", help="The engine's AudioSocket.")],
    play: Annotated[
        list[Path] | None, typer.Option(help="A WAV to speak when the agent has stopped; repeat it.")
    ] = None,
    uuid: Annotated[str, typer.Option(help="The call's UUID; a new one by default.")] = "",
    dtmf: Annotated[str, typer.Option(help="Keys pressed after the last recording.")] = "",
    talk_over: Annotated[
        float | None, typer.Option(min=0, help="Speak over the agent once it has spoken for this many seconds.")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="A stereo WAV: the caller left, the agent right.")] = None,
    max_seconds: Annotated[float, typer.Option(min=0.1, help="The caller hangs up after this long.")] = 120.0,
    pause: Annotated[float, typer.Option(min=0.1, help="Seconds of silence after which the agent has stopped.")] = 0.6,
    stay: Annotated[float, typer.Option(min=0.1, help="Seconds of silence after which the caller leaves.")] = 2.0,
    rtp: Annotated[bool, typer.Option(help="Send silence between recordings; --no-rtp is a muted telephone.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, also in a terminal.")] = False,
    api: Annotated[str, typer.Option(metavar="URL", help="The engine's HTTP: its record of the call is shown.")] = "",
) -> None:
    """Place one call: 0 after a clean one, 1 after one that failed, 2 for bad arguments."""
    try:
        host, port = parse_address(address)
        call_id = _call_id(uuid)
        recordings = tuple((path.name, load_speech(path)) for path in play or [])
        script = Script(recordings, _keys(dtmf), talk_over, pause, stay, max_seconds)
        as_json = as_json or not sys.stdout.isatty()
        show = _show_json if as_json else _show_words
        with open_recording(record) as recording:
            habits = Habits(pause, rtp, recording)
            problem = trio.run(_place_call, (host, port, call_id), habits, script, show)
        missing = _tell_record(api, call_id, as_json=as_json) if api else None
    except ConfigError as error:
        typer.echo(f"callengine call: {error}", err=True)
        raise typer.Exit(2) from None
    if problem or missing:
        typer.echo(f"callengine call: {problem or missing}", err=True)
        raise typer.Exit(1)


async def _place_call(
    target: tuple[str, int, UUID], habits: Habits, script: Script, show: Callable[[Event], None]
) -> str | None:
    """One line about what went wrong, or None."""
    told_all = False
    try:
        async with open_phone(*target, habits) as phone, trio.open_nursery() as nursery:
            nursery.start_soon(_show_events, phone, show)
            told_all = await run_script(phone, script)
    except NotConnectedError as error:
        return str(error)
    if isinstance(phone.ending, Dropped):
        return f"Asterisk would have dropped the call: {describe_ending(phone.ending)}"
    return None if told_all else "the call ended before the caller had said everything"


def _tell_record(api: str, call_id: UUID, *, as_json: bool) -> str | None:
    """One line about why the engine's record of the call cannot be told, or None."""
    from callengine.cli.call_record import read_closed, tell_json, tell_words  # an HTTP client: seldom asked for

    try:
        record = trio.run(read_closed, api, call_id)
    except ServiceError as error:
        return str(error)
    (tell_json if as_json else tell_words)(record)
    return None


async def _show_events(phone: Phone, show: Callable[[Event], None]) -> None:
    async for event in phone.events:
        show(event)


def _show_json(event: Event) -> None:
    line: dict[str, object] = {"event": event.name, "at": round(event.at, 4)}
    if event.seconds is not None:
        line["seconds"] = round(event.seconds, 4)
    if event.detail:
        line["detail"] = event.detail
    typer.echo(json.dumps(line, ensure_ascii=False))


def _show_words(event: Event) -> None:
    words = _WORDS[event.name].format(detail=event.detail, seconds=event.seconds or 0.0)
    typer.echo(f"{event.at:8.2f} s  {words}")


def _call_id(text: str) -> UUID:
    try:
        return UUID(text) if text else uuid4()
    except ValueError:
        raise ConfigError("--uuid", f"{text!r} is no UUID") from None


def _keys(text: str) -> str:
    if wrong := set(text) - DIGITS:
        raise ConfigError("--dtmf", f"{min(wrong)!r} is no telephone key: 0-9 * # A-D are")
    return text
