"""Prometheus, Alertmanager, Grafana: the programs take the files, and the files name metrics that there are."""

import re
import subprocess
from pathlib import Path

import httpx
import prometheus_client
import pytest
import yaml
from whisper_server import metrics as whisper_metrics

from callengine import metrics
from callengine.backup import metrics as backup_metrics
from callengine.media.clock import MediaClock
from callengine.media.statistics import ClockCollector
from tests.deploy.balancer import GUARD_SECONDS, open_ports, running_balancer
from tests.deploy.files import DASHBOARDS, METRIC, ROOT, alert_rules, dashboard, queries
from tests.deploy.programs import MONITORING, command, or_skip

# Of programs that are not ours: docs of node_exporter's collectors (cpu, filesystem, loadavg, meminfo, timex) and of
# res_prometheus, whose names the tests on a real Asterisk look for. HAProxy's are asked of a real one below.
OTHERS = {
    "node_filesystem_avail_bytes", "node_filesystem_size_bytes", "node_load1", "node_memory_MemAvailable_bytes",
    "node_memory_MemTotal_bytes", "node_timex_sync_status", "process_cpu_seconds_total",
    "asterisk_calls_count", "asterisk_channels_count", "asterisk_core_uptime_seconds",
}  # fmt: skip
LABEL = re.compile(r'(\w+)=~?"([^"]*)"')
RULE_TESTS = sorted((ROOT / "docker/prometheus/tests").glob("*.yml"))


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    with or_skip(program):
        start = command(MONITORING, program)
    return subprocess.run([*start, *arguments], capture_output=True, text=True, check=False)


def every_query() -> list[str]:
    """What alerts and dashboards ask of Prometheus."""
    return [rule["expr"] for rule in alert_rules()] + [query for path in DASHBOARDS for query in queries(path)]


async def ours() -> set[str]:
    """The names of all series that the engine and whisper-server have."""
    registry = prometheus_client.CollectorRegistry()
    registry.register(ClockCollector(MediaClock()))
    found = [*registry.collect()]
    for module in (metrics, backup_metrics, whisper_metrics):
        for value in vars(module).values():
            if isinstance(value, prometheus_client.metrics.MetricWrapperBase):
                found.extend(value.collect())
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    return {family.name + suffix for family in found for suffix in suffixes[family.type]}


@pytest.mark.integration
@pytest.mark.parametrize("name", ["prometheus.yml", "production.yml"])
def test_prometheus_takes_its_configuration(name: str) -> None:
    done = run("promtool", "check", "config", str(ROOT / "docker/prometheus" / name))
    assert done.returncode == 0, done.stderr


@pytest.mark.integration
def test_each_alert_fires_when_it_should_and_not_before() -> None:
    done = run("promtool", "test", "rules", *map(str, RULE_TESTS))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_its_test() -> None:
    tests = [test for path in RULE_TESTS for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    names = {rule["alert"] for rule in alert_rules()}
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == names
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == names


def test_each_alert_says_what_is_wrong_and_what_to_do() -> None:
    for rule in alert_rules():
        assert rule["labels"]["severity"] in ("page", "warn"), rule["alert"]
        assert set(rule["annotations"]) == {"summary", "action", "runbook_url"}, rule["alert"]


async def test_alerts_and_dashboards_ask_for_metrics_that_there_are() -> None:
    asked = {name for query in every_query() for name in METRIC.findall(query) if not name.startswith("haproxy_")}
    assert asked - await ours() - OTHERS == set()


@pytest.mark.integration
def test_the_balancer_has_every_series_that_it_is_asked_for(tmp_path: Path) -> None:
    """A real HAProxy with the repository's configuration, and no node behind it."""
    with open_ports() as ports, running_balancer(tmp_path, ports):
        text = httpx.get(f"http://127.0.0.1:{ports.stats}/metrics", trust_env=False, timeout=GUARD_SECONDS).text
    found = re.findall(r"^(haproxy_\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE)
    there = [(name, set(LABEL.findall(labels))) for name, labels in found]
    asked = {each for query in every_query() for each in re.findall(r"\b(haproxy_\w+)(?:\{([^}]*)\})?", query)}
    assert len(asked) > 10
    missing = [
        (name, labels)
        for name, labels in sorted(asked)
        if not any(name == known and set(LABEL.findall(labels)) <= has for known, has in there)
    ]
    assert missing == []


@pytest.mark.integration
def test_the_dashboards_queries_are_promql(tmp_path: Path) -> None:
    rules = [{"record": f"q{n}", "expr": query} for path in DASHBOARDS for n, query in enumerate(queries(path))]
    group = {"name": "queries", "rules": [{**rule, "record": f"q{n}"} for n, rule in enumerate(rules)]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [group]}))
    done = run("promtool", "check", "rules", "--lint=none", str(tmp_path / "rules.yml"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_can_be_provisioned(path: Path) -> None:
    board = dashboard(path)
    assert board["uid"] == f"callengine-{path.stem}"
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert panel["datasource"]["uid"] == "prometheus", panel["title"]
        assert panel["targets"], panel["title"]


def test_the_dashboards_that_were_asked_for() -> None:
    asked = {"calls", "latency", "recogniser", "gpu", "cost", "asterisk", "balancer", "recordings"}
    assert {path.stem for path in DASHBOARDS} == asked


def test_prometheus_is_asked_at_the_datasource_s_address() -> None:
    sources = yaml.safe_load((ROOT / "docker/grafana/provisioning/datasources/prometheus.yaml").read_text())
    assert [source["uid"] for source in sources["datasources"]] == ["prometheus"]
    assert re.fullmatch(r"http://prometheus:\d+", sources["datasources"][0]["url"])


def test_each_alert_has_its_steps_and_says_where() -> None:
    for rule in alert_rules():
        assert rule["annotations"]["runbook_url"] == f"docs/operations/alerts.md#{rule['alert'].lower()}"
    page = (ROOT / "docs/operations/alerts.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## (\w+)$", page, re.MULTILINE)) == {rule["alert"] for rule in alert_rules()}
