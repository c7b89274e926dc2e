"""Who may read the secrets of the containers: one group, on whose number images, Compose files and pages agree."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import ROOT, compose

GROUP = "10001"
IMAGES = ("docker/Dockerfile", "gpu/Dockerfile")
PAGES = ("docs/howto/gpu-node.md", "docs/howto/one-server.md", "secrets/README.md")


def account(image: str) -> tuple[str, str]:
    """The groupadd and useradd of an image."""
    text = (ROOT / image).read_text(encoding="utf-8").replace("\\\n", " ")
    group, user = re.search(r"RUN (groupadd [^&\n]+)", text), re.search(r"&& (useradd [^&\n]+)", text)
    assert group is not None
    assert user is not None
    return group.group(1).strip(), user.group(1).strip()


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/usr/sbin/useradd").exists(), reason="needs root and useradd")
@pytest.mark.parametrize("image", IMAGES)
def test_the_image_makes_the_group_with_this_number(image: str, tmp_path: Path) -> None:
    """In a folder in /'s place: `useradd --system` alone chose a group under 1,000, to which secrets were closed."""
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group", "shadow", "gshadow", "login.defs"):
        (tmp_path / "etc" / name).touch()
    for line in account(image):
        program, *arguments = line.replace("--create-home", "").split()
        subprocess.run([f"/usr/sbin/{program}", "--prefix", tmp_path, *arguments], check=True, capture_output=True)
    user = (tmp_path / "etc/passwd").read_text(encoding="utf-8").splitlines()[-1]
    assert user.split(":")[2:4] == [GROUP, GROUP]


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_names_the_number(image: str) -> None:
    group, user = account(image)
    assert f"--gid {GROUP}" in group
    assert f"--uid {GROUP} --gid {group.split()[-1]}" in user


@pytest.mark.parametrize("page", PAGES)
def test_no_page_opens_a_secret_to_everybody(page: str) -> None:
    modes = re.findall(r"chmod (\d+)", (ROOT / page).read_text(encoding="utf-8"))
    assert [mode for mode in modes if int(mode, 8) & 0o007] == []


def test_the_gpu_node_reads_its_secrets_from_files_that_its_page_makes() -> None:
    described = compose("gpu/compose.yaml")
    environment = described["services"]["whisper"]["environment"]
    named = {value.rpartition("/")[2] for value in environment.values() if str(value).startswith("/run/secrets/")}
    assert named == set(described["services"]["whisper"]["secrets"]) == set(described["secrets"])
    page = (ROOT / "docs/howto/gpu-node.md").read_text(encoding="utf-8")
    for secret in described["secrets"].values():
        assert f"gpu/secrets/{secret['file'].rpartition('/')[2]}" in page
    assert {name for name in environment if "TOKEN" in name or "KEY" in name} == {
        "WHISPER_TOKEN_FILE",
        "WHISPER_TLS_KEY_FILE",
    }
