"""docker/asterisk/ without an Asterisk: what its Russian page says of the settings, and where its pages lead."""

import re
from pathlib import Path

import pytest

FRAGMENTS = Path(__file__).parents[3] / "docker" / "asterisk"
SETTING = re.compile(r"^;?(CE_\w+) =", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)")


def test_every_setting_has_its_word_in_russian() -> None:
    settings = (FRAGMENTS / "settings.conf").read_text(encoding="utf-8")
    names = {re.sub(r"_\d$", "_1", re.sub(r"_[a-z]+$", "_имя", name)) for name in SETTING.findall(settings)}
    assert {"CE_ENGINE_1", "CE_TARGET_имя", "CE_MAX_SECONDS"} <= names
    page = (FRAGMENTS / "README.ru.md").read_text(encoding="utf-8")
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


@pytest.mark.parametrize("page", ["README.md", "README.ru.md", "sounds/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    file = FRAGMENTS / page
    targets = LINK.findall(file.read_text(encoding="utf-8"))
    assert [target for target in targets if not (file.parent / target).exists()] == []
