"""What docs/reference says of settings, metrics, routes and events is what the code has."""

import re

import pytest
from pydantic import BaseModel
from whisper_server.settings import Settings as WhisperSettings

from callengine.api.event_views import event_of
from callengine.config import Settings
from callengine.ports.journal import CallerFound, Entry
from tests.docs.reference import FOLDER, PAGES, default_of
from tests.unit.api.fakes import CALL, CLOSED, KEPT, OPENED, RECORD

STREAM_EVENTS = {"gap", "draining", "alone", "together", "forgotten"}  # of the stream itself


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_made_from_the_code_is_the_one_that_is_made(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "run `make reference`"


def rows(page: str) -> dict[str, str]:
    """Of a page's table rows: the first cell's names in backticks, each with the whole of the second cell."""
    found = re.findall(r"^\| (`[^|]+`) \| ([^|]*) \|", page, re.MULTILINE)
    return {name: second for first, second in found for name in re.findall(r"`(\w+)`", first)}


@pytest.mark.parametrize(
    ("model", "prefix"), [(Settings, ""), (WhisperSettings, "WHISPER_")], ids=["engine", "whisper"]
)
def test_the_settings_page_has_the_code_s_defaults(model: type[BaseModel], prefix: str) -> None:
    engine, whisper = (FOLDER / "settings.md").read_text(encoding="utf-8").split("\n## whisper-server\n")
    said = rows(whisper if prefix else engine)
    for field, schema in model.model_json_schema()["properties"].items():
        default = default_of(schema)
        if default not in ("", "`0`"):  # what is decided at the start is told in words
            assert default in said[f"{prefix}{field.upper()}"], f"{prefix}{field.upper()}: {default} in the code"


def test_the_events_of_the_api_page_hold_what_events_hold() -> None:
    said = rows((FOLDER / "api.md").read_text(encoding="utf-8").split("\n## Events\n")[1])
    found = CallerFound(str(CALL), "+79123456789", "Иван", "100", "PJSIP/7")
    entries: list[Entry] = [OPENED, found, CLOSED, *RECORD.turns, *RECORD.tools, *RECORD.callbacks, KEPT]
    events = dict(event_of(entry) for entry in entries)
    assert set(said) == set(events) | STREAM_EVENTS
    for name in ("opened", "caller", "closed"):
        words = set(re.findall(r"`(\w+)`", said[name]))
        assert words == set(events[name]) - {"call_id"}, name
