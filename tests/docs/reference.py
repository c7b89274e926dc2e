"""The pages of docs/reference that are made from the code: `make reference` writes them.

They are in the repository, for whoever reads it there; test_reference.py holds them to the code.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import trio
from prometheus_client.core import Metric
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel
from whisper_server import metrics as whisper_metrics
from whisper_server.settings import Settings as WhisperSettings

from callengine import metrics
from callengine.api.app import described_api
from callengine.backup import metrics as backup_metrics
from callengine.config import Settings
from callengine.media.clock import MediaClock
from callengine.media.statistics import ClockCollector
from tests.unit.api.fakes import Engine

FOLDER = Path(__file__).parents[2] / "docs/reference"
MADE = "<!-- Made from the code by `make reference`: change the code, not this page. -->\n"
WORD_OF_TYPE = {"boolean": "`on`, `off`", "integer": "whole number", "number": "number", "array": "list, by commas"}
BOUNDS = {"minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "minLength": "{} or more characters",
          "pattern": "matches `{}`"}  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown; a bar within a cell does not end it."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def schema_rows(model: type[BaseModel], prefix: str = "") -> Iterable[tuple[str, str, str, str]]:
    """Of each setting: variable, what it is, its bounds, its default where the code has one that does not depend."""
    for field, schema in model.model_json_schema()["properties"].items():
        one = next((choice for choice in schema.get("anyOf", ()) if choice["type"] != "null"), schema)
        bounds = [text.format(one[key]) for key, text in BOUNDS.items() if key in one]
        yield f"`{prefix}{field.upper()}`", _kind(one), ", ".join(bounds), default_of(schema)


def default_of(schema: Mapping[str, Any]) -> str:
    """As the variable would be written; nothing where it is none, or depends on others."""
    match schema.get("default"):
        case bool(value):
            return "`on`" if value else "`off`"
        case int() | float() as number:
            return f"`{number:g}`"
        case str(text) if text:
            return f"`{text}`"
        case _:
            return ""


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"] if value)
    return {"password": "text, secret", "path": "path"}.get(schema.get("format", "")) or WORD_OF_TYPE.get(
        schema["type"], "text"
    )


def settings_page() -> str:
    """Types, bounds and defaults of every setting."""
    head = ("variable", "is", "bounds", "default")
    return (
        f"# Settings: types and bounds\n\n{MADE}\nWhat the code takes. What each is for, and the defaults that depend\n"
        f"on others, stand in [settings](settings.md).\n\n## The engine\n\n{table(head, schema_rows(Settings))}\n"
        f"## whisper-server\n\n{table(head, schema_rows(WhisperSettings, 'WHISPER_'))}"
    )


async def clock_metrics() -> list[Metric]:
    """What a scrape adds that is no object of callengine.metrics; wants a run, whose tasks it counts."""
    return list(ClockCollector(MediaClock()).collect())


def metric_rows(families: Iterable[tuple[Metric, Sequence[str]]]) -> Iterable[tuple[str, str, str]]:
    """Of each metric: its name as Prometheus has it, with its labels; its kind; what it says."""
    for family, labels in sorted(families, key=lambda pair: pair[0].name):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield f"`{name}{{{','.join(labels)}}}`" if labels else f"`{name}`", family.type, family.documentation


def of_module(module: object) -> list[tuple[Metric, Sequence[str]]]:
    """The metrics that a module makes, each with its labels."""
    made = [value for value in vars(module).values() if isinstance(value, MetricWrapperBase)]
    return [(family, metric._labelnames) for metric in made for family in metric.collect()]


def metrics_page() -> str:
    """Every metric of the engine, of whatever takes the backups and of whisper-server."""
    head = ("metric", "kind", "what it says")
    engine = of_module(metrics) + [(family, ()) for family in trio.run(clock_metrics)]
    return (
        f"# Metrics\n\n{MADE}\nNo label ever holds a call's id, a number or a word that a caller said.\n"
        "What the alerts make of them: [alerts](../operations/alerts.md).\n\n"
        f"## The engine, `GET /metrics` on `API_PORT`\n\n{table(head, metric_rows(engine))}\n"
        f"## `callengine backup --daily`, on 9096\n\n{table(head, metric_rows(of_module(backup_metrics)))}\n"
        "## whisper-server, on `WHISPER_METRICS_PORT`\n\n"
        f"{table(head, metric_rows(of_module(whisper_metrics)))}"
    )


def routes_page() -> str:
    """Every route of the OpenAPI document."""
    parts = [
        f"# HTTP: every route\n\n{MADE}\nThe same as `GET /openapi.json`, for reading. Who may ask, pages and filters, "
        "and what an event holds: [HTTP](api.md).\n"
    ]
    for path, operations in described_api(Engine().state()).openapi()["paths"].items():
        for method, operation in operations.items():
            parts.append(f"\n## {method.upper()} `{path}`\n\n{operation['description'].strip()}\n\n{_asked(operation)}")
    return "".join(parts)


def _asked(operation: Mapping[str, Any]) -> str:
    """Parameters and body of an operation, and the answers that it has."""
    lines = []
    for parameter in operation.get("parameters", ()):
        says = parameter.get("description", "")
        lines.append(f"- `{parameter['name']}` ({parameter['in']}){': ' + says if says else ''}\n")
    lines += [f"- body: `{kind}`\n" for kind in operation.get("requestBody", {}).get("content", ())]
    answers = [_answer(code, answer["description"]) for code, answer in sorted(operation["responses"].items())]
    return "".join([*lines, f"- answers: {', '.join(answers)}\n"])


def _answer(code: str, says: str) -> str:
    """The code, and what is said of it beyond what every answer with it is called (by Python's version)."""
    if not code.isdigit():
        return "else as described by `/openapi.json`"
    return code if says in ("Successful Response", HTTPStatus(int(code)).phrase) else f"{code} ({says})"


PAGES: dict[str, Callable[[], str]] = {
    "settings-types.md": settings_page,
    "metrics.md": metrics_page,
    "routes.md": routes_page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
