"""The Compose files: what docker compose itself makes of them, and what each service has to have."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from callengine.config import Settings
from tests.deploy.files import COMPOSE_FILES, ROOT, compose, variables
from tests.deploy.programs import CADDY, COMPOSE, command, or_skip

REQUIRED = ("POSTGRES_PASSWORD", "API_TOKEN", "GRAFANA_PASSWORD")
ONCE = {"redis-cluster"}  # does its work and ends
SERVICES = [(name, service) for name in COMPOSE_FILES for service in compose(name)["services"]]
# Of the engine's settings those that the image or the file itself decides, and those that one server has no use for.
DECIDED = {
    "EMBEDDED", "DATA_DIR", "DATABASE_URL", "REDIS_URL", "AUDIOSOCKET_HOST", "AUDIOSOCKET_PORT", "API_HOST", "API_PORT",
    "LOG_FORMAT",
}  # fmt: skip
RARE = {"AUDIOSOCKET_PROXY_PROTOCOL", "GOOGLE_STT_ENDPOINT", "GOOGLE_TTS_ENDPOINT", "STT_CHUNK_MS"} | {
    name.upper() for name in Settings.model_fields if name.startswith("claude_") and not name.endswith("model")
}


def documented() -> set[str]:
    """The variables of `.env.example`."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return {line.partition("=")[0] for line in lines if re.match(r"[A-Z0-9_]+=", line)}


def rendered(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`docker compose ARGUMENTS` on variant A, with these variables alone."""
    with or_skip("docker compose"):
        program = command(COMPOSE, "docker-compose")
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | environment
    return subprocess.run(
        [*program, "--env-file", "/dev/null", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.integration
def test_variant_a_is_what_compose_takes() -> None:
    done = rendered("--profile", "*", "config", "--quiet", **dict.fromkeys(REQUIRED, "a"))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.integration
def test_the_gpu_node_is_what_compose_takes() -> None:
    done = rendered("-f", "gpu/compose.yaml", "config", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.integration
@pytest.mark.parametrize("missing", REQUIRED)
def test_a_secret_that_is_not_set_is_named(missing: str) -> None:
    done = rendered("config", "--quiet", **{name: "a" for name in REQUIRED if name != missing})
    assert done.returncode != 0
    assert missing in done.stderr


@pytest.mark.integration
@pytest.mark.parametrize("host", ["localhost", "phone.shop.example"])
def test_the_reverse_proxy_takes_its_configuration(host: str, tmp_path: Path) -> None:
    with or_skip("caddy"):
        caddy = command(CADDY, "caddy")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PUBLIC_HOST": host}
    words = [*caddy, "adapt", "--validate", "--config", str(ROOT / "docker/caddy/Caddyfile")]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(f'"{part}"' in done.stdout for part in (host, "grafana:3000", "call-processor:8080"))


def test_the_example_has_every_variable_and_no_other() -> None:
    assert documented() == variables("compose.yaml")


def test_the_engine_is_given_its_settings() -> None:
    given = set(compose("compose.yaml")["services"]["call-processor"]["environment"])
    settings = {name.upper() for name in Settings.model_fields}
    assert given - settings == {"HTTPS_PROXY", "NO_PROXY"}
    assert settings - given - DECIDED - RARE == set()


@pytest.mark.parametrize(("name", "service"), SERVICES)
def test_a_service_is_held_within_bounds(name: str, service: str) -> None:
    described: dict[str, Any] = compose(name)["services"][service]
    assert described["restart"] == ("no" if service in ONCE else "unless-stopped")
    assert described["read_only"]
    assert described["cap_drop"] == ["ALL"]
    assert {"cpus", "memory"} <= set(described["deploy"]["resources"]["limits"])
    assert "max-size" in described["logging"]["options"]


@pytest.mark.parametrize(("name", "service"), SERVICES)
def test_an_image_of_others_is_pinned_to_a_version(name: str, service: str) -> None:
    described = compose(name)["services"][service]
    if "build" not in described and not described["image"].startswith("callengine"):
        assert re.search(r":v?\d+\.\d+\.\d+", described["image"])


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_what_is_mounted_from_the_repository_is_there(name: str) -> None:
    services = compose(name)["services"].values()
    sources = [volume.partition(":")[0] for service in services for volume in service.get("volumes", ())]
    missing = [
        source for source in sources if source.startswith(".") and not (ROOT / name).parent.joinpath(source).exists()
    ]
    assert missing == []


def test_the_user_s_own_figures() -> None:
    """What the shop's first compose file asked for."""
    services = compose("compose.yaml")["services"]
    engine = services["call-processor"]
    assert {port.partition(":")[0] for port in engine["ports"]} == {"9092", "8080"}
    assert engine["deploy"]["resources"]["limits"] == {"cpus": "2.0", "memory": "4g"}
    assert services["postgres"]["image"].endswith("pg16")
    assert re.match(r"redis:7\..*-alpine$", services["redis"]["image"])
    assert "3600 1" in services["redis"]["command"]
    wanted = {"DATABASE_URL", "REDIS_URL", "GOOGLE_APPLICATION_CREDENTIALS", "ANTHROPIC_API_KEY", "STORE_API_URL"}
    assert wanted | {f"ASTERISK_ARI_{name}" for name in ("URL", "USER", "PASSWORD")} <= set(engine["environment"])
    assert "./secrets:/secrets:ro" in engine["volumes"]
    assert "3000:3000" in services["grafana"]["ports"]
    assert "127.0.0.1:9090:9090" in services["prometheus"]["ports"]
    assert {name: service["profiles"] for name, service in services.items() if "profiles" in service} == {
        "backup": ["backup"], "store-api": ["demo"], "whisper": ["whisper-cpu"], "proxy": ["tls"],
    }  # fmt: skip
    healthy = {name for name, service in services.items() if "healthcheck" in service}
    assert healthy >= {"postgres", "redis", "prometheus", "alertmanager", "grafana"}, "the engine's is its image's"
    volumes = compose("compose.yaml")["volumes"]
    assert {f"{name}-data" for name in ("callengine", "postgres", "redis", "prometheus", "grafana")} <= set(volumes)


def test_one_password_of_the_database_wherever_it_is_needed() -> None:
    services = compose("compose.yaml")["services"]
    places = [
        value
        for service in services.values()
        for name, value in service.get("environment", {}).items()
        if name in ("DATABASE_URL", "POSTGRES_PASSWORD")
    ]
    assert len(places) == 3
    assert {variable for place in places for variable in re.findall(r"\$\{(\w+)", place)} == {"POSTGRES_PASSWORD"}


def test_asterisk_is_found_by_its_name() -> None:
    services = compose("compose.yaml")["services"]
    for name in ("call-processor", "prometheus"):
        assert services[name]["extra_hosts"] == ["asterisk:${ASTERISK_HOST:-host-gateway}"], name


def test_the_gpu_node_s_variables_are_on_its_page() -> None:
    page = (ROOT / "docs/howto/gpu-node.md").read_text(encoding="utf-8")
    assert [name for name in sorted(variables("gpu/compose.yaml")) if name not in page] == []


def test_what_is_secret_never_gets_into_git() -> None:
    ignored = set((ROOT / ".gitignore").read_text(encoding="utf-8").splitlines())
    assert {".env", "secrets/*", "docker/secrets/", "gpu/secrets/"} <= ignored
    folders = {
        path.parent.joinpath(secret["file"].replace("${WHISPER_SECRETS:-./secrets}", "secrets")).parent
        for path in (ROOT / name for name in COMPOSE_FILES)
        for secret in compose(str(path.relative_to(ROOT))).get("secrets", {}).values()
    }
    assert folders == {ROOT / "docker/secrets", ROOT / "gpu/secrets"}


def test_calls_may_end_in_peace_before_docker_ends_the_engine() -> None:
    grace = compose("compose.yaml")["services"]["call-processor"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > Settings().drain_seconds


def test_what_the_images_copy_reaches_the_builder() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for dockerfile in ("docker/Dockerfile", "gpu/Dockerfile"):
        copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / dockerfile).read_text(), re.MULTILINE)
        names = {name for line in copied for name in line.split()}
        assert names <= kept, dockerfile
        assert [name for name in names if not Path(ROOT, name).exists()] == []
        inside = [path for name in names for path in (ROOT / name).rglob("*") if path.is_symlink()]
        ends = {str(path.resolve().relative_to(ROOT)) for path in inside}
        assert ends <= names, f"{dockerfile}: a link is copied as a link, and leads to nothing in the image"
