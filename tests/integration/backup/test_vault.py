"""The secrets as one encrypted file: sealed, opened elsewhere, and refused."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.backup_tools import Shop, make_keys

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
VAULT = ROOT / "docker/backup/vault.sh"


def vault(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", str(VAULT), *words], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with secrets."""
    folder = tmp_path / "machine"
    (folder / "secrets").mkdir(parents=True)
    (folder / ".env").write_text("API_TOKEN=open-sesame\n")
    (folder / "secrets" / "google.json").write_text("{}")
    (folder / "secrets" / "google.json").chmod(0o640)
    return folder


def test_what_was_sealed_is_opened_on_another_machine(shop: Shop, machine: Path, tmp_path: Path) -> None:
    sealed = vault(machine, "seal", shop.keys.public)
    assert (sealed.returncode, sealed.stderr) == (0, "")
    data = (machine / "vault.age").read_bytes()
    assert b"open-sesame" not in data
    assert not (machine / "vault.tar").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "vault.age").write_bytes(data)
    opened = vault(other, "open", str(shop.keys.identity))
    assert (opened.returncode, opened.stderr) == (0, "")
    assert (other / ".env").read_text() == "API_TOKEN=open-sesame\n"
    assert (other / "secrets" / "google.json").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in other.iterdir()) == [".env", "secrets", "vault.age"]


def in_variant_b(folder: Path) -> None:
    """What its how-to has people make, with the passwords of its own script (which wants to be root for the group)."""
    docker = folder / "docker"
    docker.mkdir(parents=True)
    shutil.copy(ROOT / "docker/production.env.example", docker / ".env")
    (docker / ".env").chmod(0o600)
    subprocess.run(
        ["sh", str(ROOT / "docker/production/make-secrets.sh"), str(docker / "secrets")],
        check=os.geteuid() == 0,
        capture_output=True,
    )
    (folder / "secrets").mkdir()
    (folder / "secrets" / "anthropic_api_key").write_text("sk-of-the-shop")


def contents(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Every file below a folder: what is in it, who may read it."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "vault.age"]
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode & 0o777, path.stat().st_gid)
        for path in files
    }


def test_variant_b_s_files_are_sealed_and_come_back_for_the_same_group(shop: Shop, tmp_path: Path) -> None:
    machine, other = tmp_path / "machine", tmp_path / "other"
    in_variant_b(machine)
    compose = yaml.safe_load((ROOT / "docker/compose.production.yaml").read_text(encoding="utf-8"))
    wanted = {f"docker/{secret['file']}" for secret in compose["secrets"].values()}
    wanted |= {"docker/.env", "secrets/anthropic_api_key"}
    before = contents(machine)
    assert set(before) == wanted
    sealed = vault(machine, "seal", shop.keys.public)
    assert (sealed.returncode, sealed.stderr) == (0, "")
    (other / "docker").mkdir(parents=True)
    (other / "secrets").mkdir()
    (other / "secrets" / "README.md").write_text("of the clone")
    shutil.copy(machine / "vault.age", other)
    opened = vault(other, "open", str(shop.keys.identity))
    assert (opened.returncode, opened.stderr) == (0, "")
    (other / "secrets" / "README.md").unlink()
    assert contents(other) == before
    assert (other / "docker/secrets").stat().st_mode & 0o777 == 0o750
    refused = vault(other, "open", str(shop.keys.identity))
    assert refused.returncode == 2
    assert refused.stderr.endswith(" already: move it away first\n")


def test_where_there_is_nothing_to_seal(shop: Shop, tmp_path: Path) -> None:
    refused = vault(tmp_path, "seal", shop.keys.public)
    assert refused.returncode == 2
    assert refused.stderr.startswith("vault.sh: there is no .env here")


def test_secrets_that_are_there_are_not_overwritten(shop: Shop, machine: Path) -> None:
    vault(machine, "seal", shop.keys.public)
    (machine / ".env").write_text("API_TOKEN=newer\n")
    refused = vault(machine, "open", str(shop.keys.identity))
    assert (refused.returncode, refused.stderr) == (2, "vault.sh: there is .env already: move it away first\n")
    assert (machine / ".env").read_text() == "API_TOKEN=newer\n"


def test_another_key_opens_nothing(shop: Shop, machine: Path, tools: Path, tmp_path: Path) -> None:
    vault(machine, "seal", shop.keys.public)
    (machine / ".env").unlink()
    other = make_keys(tools, tmp_path / "other.txt")
    refused = vault(machine, "open", str(other.identity))
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == "vault.sh: vault.age was not opened"
    assert not (machine / ".env").exists()


@pytest.mark.parametrize("words", [(), ("seal",), ("close", "x")], ids=["nothing", "no key", "another word"])
def test_a_word_that_it_does_not_know(shop: Shop, machine: Path, words: tuple[str, ...]) -> None:
    refused = vault(machine, *words)
    assert (refused.returncode, refused.stderr) == (2, "vault.sh: say 'seal age1…' or 'open key.txt'\n")
