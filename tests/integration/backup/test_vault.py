"""The secrets as one encrypted file: sealed, opened elsewhere, and refused."""

import subprocess
from pathlib import Path

import pytest

from tests.backup_tools import Shop, make_keys

pytestmark = pytest.mark.integration

VAULT = Path(__file__).parents[3] / "docker/backup/vault.sh"


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


def test_secrets_that_are_there_are_not_overwritten(shop: Shop, machine: Path) -> None:
    vault(machine, "seal", shop.keys.public)
    (machine / ".env").write_text("API_TOKEN=newer\n")
    refused = vault(machine, "open", str(shop.keys.identity))
    assert (refused.returncode, refused.stderr) == (2, "vault.sh: there is an .env already: move it away first\n")
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
