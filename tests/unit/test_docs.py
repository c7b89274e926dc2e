"""The documents say what the code says: settings, the turn-taking table."""

import re
from pathlib import Path

from pydantic import BaseModel
from whisper_server.settings import Settings as WhisperSettings

from callengine.call.turn_events import Event, State
from callengine.call.turn_table import TABLE
from callengine.config import Settings

ROOT = Path(__file__).parents[2]


def variables_of(page: str) -> set[str]:
    """The variables that a settings page has a table row for."""
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([A-Z0-9_]+)`", row)}


def fields_of(model: type[BaseModel], prefix: str = "") -> set[str]:
    return {f"{prefix}{field}".upper() for field in model.model_fields}


def test_every_setting_and_no_other_is_in_the_reference() -> None:
    engine, whisper = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8").split("\n## whisper-server\n")
    assert variables_of(engine) == fields_of(Settings)
    assert variables_of(whisper) == fields_of(WhisperSettings, "whisper_")


def turn_table() -> str:
    """The turn-taking table as Markdown: a row an event, a column a state, in each cell the rule that runs."""
    states = list(State)
    rows = [["", *(state.name for state in states)], ["---"] * (len(states) + 1)]
    for event in Event.__args__:
        rules = [TABLE.get((state, event)) for state in states]
        rows.append([event.__name__, *(rule.__name__.strip("_") if rule else "–" for rule in rules)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def test_the_turn_taking_table_is_the_one_that_runs() -> None:
    table = turn_table()
    assert table in (ROOT / "docs/design.md").read_text(encoding="utf-8"), f"put this into docs/design.md:\n{table}"
