"""Variant B's files: what docker compose makes of them, and that they agree with each other."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from callengine.config import Settings
from callengine.services.database import connection_options
from callengine.services.redis_client import redis_client
from tests.deploy.files import ROOT, compose, variables
from tests.deploy.test_compose import DECIDED, RARE, rendered

NAME = "docker/compose.production.yaml"
FILE = compose(NAME)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
ENGINES = sorted(name for name in SERVICES if name.startswith("engine-"))
REDIS = sorted(name for name in SERVICES if re.fullmatch(r"redis-\d", name))
HAPROXY = (ROOT / "docker/haproxy/haproxy.cfg").read_text(encoding="utf-8")
ASTERISK = (ROOT / "docker/asterisk/settings.conf").read_text(encoding="utf-8")
MAKE_SECRETS = ROOT / "docker/production/make-secrets.sh"
BY_FILE = re.compile(r"(PASSWORD|TOKEN|KEY|DATABASE_URL|REPLICA_URL|REDIS_URL)$")
MADE = {"DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL", "API_TOKEN", "NODE_NAME"}


def example() -> set[str]:
    """The variables of `production.env.example`."""
    text = (ROOT / "docker/production.env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^([A-Z0-9_]+)=", text, re.MULTILINE))


def option(service: str, name: str) -> str:
    """What a PostgreSQL of the file is told with -c NAME=."""
    words: list[str] = SERVICES[service]["command"]
    return next(word.partition("=")[2] for word in words if word.startswith(f"{name}="))


@pytest.mark.integration
def test_it_is_what_compose_takes() -> None:
    done = rendered("-f", NAME, "--profile", "*", "config", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    services = json.loads(done.stdout)["services"]
    volumes = [volume for name in ENGINES for volume in services[name]["volumes"] if volume["target"] == "/data"]
    assert [volume["source"] for volume in volumes] == [f"{name}-data" for name in ENGINES]
    assert services["redis-1"]["networks"]["default"]["ipv4_address"] == "172.30.9.21"
    assert [each["published"] for each in services["haproxy"]["ports"]] == ["9092", "8080"]
    assert all("ports" not in services[name] for name in (*ENGINES, *REDIS, "postgres", "postgres-replica"))


def test_every_node_is_known_to_those_who_have_to_know_it() -> None:
    assert len(ENGINES) >= 2
    assert [SERVICES[name]["environment"]["NODE_NAME"] for name in ENGINES] == ENGINES
    config = yaml.safe_load((ROOT / "docker/prometheus/production.yml").read_text(encoding="utf-8"))
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    assert jobs["callengine"]["static_configs"][0]["targets"] == [f"{name}:8080" for name in ENGINES]
    for backend in ("nodes", "answering"):
        lines = HAPROXY.partition(f"backend {backend}\n")[2].partition("\n\n")[0]
        assert set(re.findall(r"^    server (\S+)", lines, re.MULTILINE)) >= set(ENGINES)


def test_prometheus_has_the_rest_of_variant_a_s() -> None:
    files = [ROOT / f"docker/prometheus/{name}.yml" for name in ("prometheus", "production")]
    one, more = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in files)
    for config in (one, more):
        config["scrape_configs"] = [
            job for job in config["scrape_configs"] if job["job_name"] not in ("callengine", "haproxy")
        ]
    assert more == one


def test_no_secret_is_in_an_environment() -> None:
    for name, service in SERVICES.items():
        given = service.get("environment", {})
        assert [key for key in given if BY_FILE.search(key)] == [], name
    assert [name for name in example() if BY_FILE.search(name)] == []


def test_every_variable_is_documented() -> None:
    needed = {name.upper() for name in Settings.model_fields} - DECIDED - MADE - (RARE - {"AUDIOSOCKET_PROXY_PROTOCOL"})
    known = {name.removesuffix("_FILE") for name in example()}
    assert known == {name.removesuffix("_FILE") for name in needed | variables(NAME)} | {"HTTPS_PROXY", "NO_PROXY"}


def test_images_are_those_of_variant_a() -> None:
    ours = {service["image"].partition(":")[0]: service["image"] for service in SERVICES.values()}
    for service in compose("compose.yaml")["services"].values():
        name = service["image"].partition(":")[0]
        assert ours.get(name, service["image"]) == service["image"]


def test_backups_are_taken_as_in_variant_a() -> None:
    one, more = compose("compose.yaml")["services"]["backup"], SERVICES["backup"]
    places = {"build", "environment", "secrets", "volumes"}
    assert {key for key in {*one, *more} if one.get(key) != more.get(key)} == places
    assert one["build"]["target"] == more["build"]["target"]
    given = [service["environment"].items() for service in (one, more)]
    assert {name for name, _ in given[0] ^ given[1]} == {"DATABASE_URL", "DATABASE_URL_FILE"}


@pytest.mark.integration
@pytest.mark.parametrize("profiles", ["", "backup", "backup,tls"])
def test_a_profile_is_turned_on_in_the_environment_s_file(tmp_path: Path, profiles: str) -> None:
    (tmp_path / "env").write_text(f"COMPOSE_PROFILES={profiles}\n")
    done = rendered("-f", NAME, "--env-file", str(tmp_path / "env"), "config", "--services")
    assert (done.returncode, done.stderr) == (0, "")
    optional = {name for name, service in SERVICES.items() if "profiles" in service}
    named = {name for name in optional if SERVICES[name]["profiles"][0] in profiles.split(",")}
    assert set(done.stdout.split()) == set(SERVICES) - optional | named


def test_the_cluster_is_made_of_the_six() -> None:
    addresses = [SERVICES[name]["networks"]["default"]["ipv4_address"] for name in REDIS]
    assert len(addresses) == 6
    assert SERVICES["redis-cluster"]["command"][2:] == [f"{address}:6379" for address in addresses]
    assert set(SERVICES["redis-cluster"]["depends_on"]) == set(REDIS)


def test_a_standby_has_no_less_room_than_its_primary() -> None:
    """Else it does not start: docs of hot standby, "the same or greater value"."""
    assert int(option("postgres-replica", "max_connections")) >= int(option("postgres", "max_connections"))


def test_times_fit_into_each_other() -> None:
    settings = Settings()
    assert int(SERVICES["engine-1"]["stop_grace_period"].removesuffix("s")) > settings.drain_seconds
    seconds = [int(found) for found in re.findall(r"timeout (?:client|server) (\d+)s", HAPROXY) if found != "10"]
    assert len(seconds) == 4
    assert min(seconds) > settings.no_media_seconds
    minutes = re.search(r"hard-stop-after (\d+)m", HAPROXY)
    assert minutes
    assert int(minutes[1]) * 60 > settings.max_call_seconds
    connect = re.search(r"timeout connect (\d+)ms", HAPROXY)
    question = re.search(r"^CE_API_SECONDS = ([\d.]+)$", ASTERISK, re.MULTILINE)
    assert connect
    assert question
    assert 2 * int(connect[1]) < 1000 * float(question[1]), "one node that is silent leaves time to ask another"


def test_the_image_runs_the_primary_s_script_by_itself() -> None:
    """One that cannot be executed would become part of the image's own script (docker-library/postgres, `*.sh`)."""
    assert os.access(ROOT / "docker/production/postgres-primary.sh", os.X_OK)


def make_secrets(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", str(MAKE_SECRETS), str(folder)], capture_output=True, text=True, check=False)


def test_passwords_are_made_once_and_only_for_the_containers(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    first = make_secrets(folder)
    made = {path.name: path.read_text() for path in folder.iterdir()}
    if os.geteuid() != 0:
        assert first.returncode == 1
        assert "run this as root" in first.stderr
        return
    assert (first.returncode, first.stderr) == (0, "")
    assert set(made) == set(FILE["secrets"])
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o640}
    assert {path.stat().st_gid for path in folder.iterdir()} == {10001}
    assert folder.stat().st_mode & 0o777 == 0o750
    assert make_secrets(folder).returncode == 0
    assert {path.name: path.read_text() for path in folder.iterdir()} == made
    assert len({text for name, text in made.items() if not name.endswith("_url")}) == 5


def test_the_engine_takes_the_urls_that_are_made(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    primary = connection_options(made["database_url"])
    assert primary["password"] == made["postgres_password"]
    assert primary["host"] == "postgres,postgres-replica"
    assert connection_options(made["database_replica_url"])["host"] == "postgres-replica"
    assert redis_client(made["redis_url"], 1.0, texts=True) is not None
    assert f":{made['redis_password']}@redis-1:6379" in made["redis_url"]
