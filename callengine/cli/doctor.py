"""`callengine doctor`: what is wrong before a caller finds it, and what to do about it."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import trio
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from callengine.cli.settings import read_settings
from callengine.config import Settings
from callengine.doctor.checks import CHECKS
from callengine.doctor.checkup import Check, Patient, chosen_checks, run_checkup
from callengine.doctor.findings import Finding, worst
from callengine.logs import configure_logging
from callengine.services.bridge import open_bridge

_COLOURS = {"ok": "green", "note": "dim", "warn": "yellow", "fail": "bold red"}
# The options. A command is its signature, the page that --help shows, and what it does.
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="PART", help="Look at this part alone; may be given several times."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON object: the verdict, and the findings with their mends.")
]


def doctor(only: Only = None, as_json: AsJson = False) -> None:
    """Look at everything a call rests on; a line each: ok, note, warn or fail, what is wrong and where, what to do.

    It reads the same environment variables as `callengine serve`; run it where the engine runs, before it or beside it.

    \b
    settings    files they name, secrets' modes, EMBEDDED, who may reach what
    database    version, schema, room, writable; the replica's lag
    redis       primary, memory, policy; each primary of a Cluster, its slots
    recogniser  a stream of 100 ms of silence; STT_FALLBACK the same
    voice       Google: its list of voices; TTS_FALLBACK the same
    dialog      Claude: its models' cards; no token is used
    store       its document, the agents' tools, a question
    asterisk    see below
    clock       synchronised, agrees with others; wakes on time (2.5 s, alone)
    ports       free, an engine's, or taken; open files for MAX_CALLS
    disk        room, rights, seconds until 4 KB are safe
    network     round trips against what is required; the uplink, reckoned

    \b
    Asterisk, with ASTERISK_ARI_URL, ASTERISK_ARI_USER, ..._PASSWORD
        its version against known bugs, the modules it has loaded;
        it is asked to open our AudioSocket port, as in a call
    Asterisk, with ASTERISK_AMI_USER, ..._PASSWORD (AMI over HTTP)
        its dialplan, read for the mistakes that AudioSocket punishes;
        it is asked to CURL() our API, as after a call

    Nothing stays changed anywhere: under DATA_DIR a file is written and deleted. An engine that is up logs a
    connection_refused with the reason "knock". Google may bill a second of recognition.

    \b
    callengine doctor --only network --only clock
    callengine doctor --json | jq '.findings[] | select(.verdict == "fail")'

    Exit status: 0 all well (notes and warnings too), 1 something failed, 2 a setting cannot be used.
    """
    findings = _look(only or ())
    _tell(findings, as_json=as_json)
    raise typer.Exit(1 if worst(findings) == "fail" else 0)


def _look(only: Sequence[str]) -> list[Finding]:
    settings = read_settings()
    checks = chosen_checks(CHECKS, only)
    configure_logging(settings.model_copy(update={"log_level": "error"}))  # what the parts warn of are findings here
    return trio.run(_examine, settings, checks)


async def _examine(settings: Settings, checks: Sequence[Check]) -> list[Finding]:
    async with open_bridge() as bridge:
        return await run_checkup(checks, Patient(settings, bridge, os.environ))


def _tell(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        shown = {"verdict": worst(findings), "findings": [asdict(finding) for finding in findings]}
        typer.echo(json.dumps(shown, ensure_ascii=False))
    elif sys.stdout.isatty():
        Console().print(_table(findings))
    else:
        for finding in findings:
            typer.echo(_line(finding))


def _line(finding: Finding) -> str:
    mend = f"; {finding.mend}" if finding.mend else ""
    return f"{finding.verdict:4}  {finding.check}: {finding.says}{mend}"


def _table(findings: list[Finding]) -> Table:
    table = Table("", "what", "found", "what to do", expand=True)
    for finding in findings:
        colour = _COLOURS[finding.verdict]
        table.add_row(f"[{colour}]{finding.verdict}[/]", finding.check, escape(finding.says), escape(finding.mend))
    return table
