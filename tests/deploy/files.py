"""The deployment's files, read: Compose files, alert rules, dashboards."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE_FILES = ("compose.yaml", "docker/compose.production.yaml", "gpu/compose.yaml")
DASHBOARDS = sorted((ROOT / "docker/grafana/dashboards").glob("*.json"))
RULES = sorted((ROOT / "docker/prometheus/rules").glob("*.yml"))
METRIC = re.compile(r"\b(?:callengine|whisper|asterisk|haproxy|node|process)_[a-z_0-9]+\b(?!=)")


def compose(name: str) -> dict[str, Any]:
    """A Compose file as it is written: nothing put in, nothing merged but YAML's own."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return loaded


def variables(name: str) -> set[str]:
    """The variables that a Compose file takes from its environment."""
    return set(re.findall(r"(?<!\$)\$\{([A-Z_0-9]+)", (ROOT / name).read_text(encoding="utf-8")))


def alert_rules() -> list[dict[str, Any]]:
    """Every alert of the rules."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in RULES]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def dashboard(path: Path) -> dict[str, Any]:
    """One dashboard."""
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def queries(path: Path) -> list[str]:
    """The queries of a dashboard's panels."""
    return [target["expr"] for panel in dashboard(path)["panels"] for target in panel["targets"]]
