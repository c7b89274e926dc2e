"""What the pages tell people to type is there: commands and their options, make targets, modules, variables, files."""

import re
from pathlib import Path

import pytest
import typer
from whisper_server.settings import Settings as WhisperSettings

from callengine.cli.main import COMMANDS, command_line
from callengine.config import Settings
from tests.docs.pages import PAGES, ROOT, code, name_of, spans
from tests.docs.reference import metrics_page, routes_page

every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)
GROUP = typer.main.get_command(command_line(*COMMANDS))
COMMAND = re.compile(r"(?<![\w./-])(?:\S*/bin/)?callengine ([a-z]+)\b([^|;#&]*)")
OPTION = re.compile(r"(?<!\S)--[a-z-]+")
TARGET = re.compile(r"(?<![\w-])make ([a-z][a-z-]*)")
MODULE = re.compile(r"python -m ((?:tests|callengine)\.[\w.]+)")
VARIABLE = re.compile(r"(?<![\w$.{%-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)=")
NAMED = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
PLACE = re.compile(r"(?<![\w/.~-])((?:callengine|backends|docs|docker|gpu|tests|secrets|\.ci)/[\w./-]*[\w/])")
METRIC = re.compile(r"\b(?:callengine|whisper)_[a-z_]+(?:_total|_seconds|_active|_backlog|_bytes|_depth|_size)\b")
ENVIRONMENT_FILES = ("compose.yaml", "gpu/compose.yaml", ".env.example", "Makefile", ".ci/run", ".ci/bootstrap")
OTHERS = {"NAME", "CN", "RESOURCE_EXHAUSTED", "NOT_SERVING", "OUT_OF_RANGE"}  # words of the pages, of TLS and of gRPC
COMPOSE_OWN = {"COMPOSE_FILE", "COMPOSE_ENV_FILES"}  # docker compose itself reads them
# On Asterisk's machine, or put there by whoever runs it.
ELSEWHERE = re.compile(r"callengine/\w+\.conf|(gpu/)?secrets(/.*)?|docker/agents/.*|docker/\.env|docker/secrets(/.*)?")
SOURCE = re.compile(r"[\w/]+\.py")
ROUTE = re.compile(r"\b(GET|POST|PUT|DELETE) (/(?:api/v1|health|metrics|openapi)[\w/{}.-]*)")


def defined_names() -> set[str]:
    """The variables that something in the repository reads: settings, Compose files, the dialplan, constants."""
    names = {field.upper() for field in Settings.model_fields}
    names |= {f"WHISPER_{field}".upper() for field in WhisperSettings.model_fields}
    names |= {f"{name}_FILE" for name in names}
    files = [ROOT / name for name in ENVIRONMENT_FILES]
    files += [path for folder in ("docker", "callengine", "backends", "gpu") for path in (ROOT / folder).rglob("*")]
    for path in files:
        if path.is_file() and path.suffix in {"", ".py", ".sh", ".conf", ".yaml", ".yml", ".example", ".j2", ".cfg"}:
            names |= set(NAMED.findall(path.read_text(encoding="utf-8")))
    return names


DEFINED = (
    defined_names()
    | set(re.findall(r"\b[A-Z]+\b", (ROOT / "Makefile").read_text(encoding="utf-8")))
    | OTHERS
    | COMPOSE_OWN
)


def routes_in(text: str) -> set[str]:
    """Methods and paths, without the names of a path's parameters and a full stop behind it."""
    return {f"{method} {re.sub(r'{.*?}', '{}', path).rstrip('.')}" for method, path in ROUTE.findall(text)}


ROUTES = routes_in(routes_page().replace("`", ""))
METRICS = set(METRIC.findall(metrics_page()))


@every_page
def test_commands_and_their_options(page: Path) -> None:
    assert isinstance(GROUP, typer.core.TyperGroup)
    for name, rest in (found for piece in code(page) for found in COMMAND.findall(piece)):
        assert name in GROUP.commands, f"callengine {name}"
        known = {option for parameter in GROUP.commands[name].params for option in parameter.opts} | {"--help"}
        assert set(OPTION.findall(rest)) <= known, f"callengine {name} {rest}"


@every_page
def test_make_targets(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {target for piece in code(page) for target in TARGET.findall(piece)} <= targets


@every_page
def test_modules(page: Path) -> None:
    for module in (found for piece in code(page) for found in MODULE.findall(piece)):
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), module


@every_page
def test_variables(page: Path) -> None:
    used = {name for piece in code(page) for name in VARIABLE.findall(piece)}
    used |= {span for span in spans(page) if NAMED.fullmatch(span)}
    assert used - DEFINED == set()


@every_page
def test_files(page: Path) -> None:
    named = {found for piece in code(page) for found in PLACE.findall(piece) if not ELSEWHERE.fullmatch(found)}
    assert {place for place in named if not (ROOT / place).exists()} == set()
    sources = {span for span in spans(page) if SOURCE.fullmatch(span)}
    folders = (ROOT, ROOT / "callengine", ROOT / "callengine/call", page.parent)
    assert {source for source in sources if not any((folder / source).exists() for folder in folders)} == set()


@every_page
def test_routes(page: Path) -> None:
    used = {route for piece in code(page) for route in routes_in(piece)}
    assert used - ROUTES <= {"GET /openapi.json"}


@every_page
def test_metrics(page: Path) -> None:
    assert {name for piece in code(page) for name in METRIC.findall(piece)} <= METRICS
