"""Backends by name: every group has its setting, and a wrong name says what there is."""

import sys
from importlib import invalidate_caches
from pathlib import Path
from typing import get_args

import pytest

from callengine.config import TABLE_OF_WORDS, Settings, load_settings
from callengine.errors import ConfigError
from callengine.plugins import VARIABLES, Group, load_backend
from tests.asterisk.obedient import write_entry_points


def test_every_group_has_a_setting() -> None:
    fields = set(Settings.model_fields)
    assert set(VARIABLES) == set(get_args(Group))
    assert {variable.lower() for variable in VARIABLES.values()} <= fields


def test_a_wrong_end_of_turn_model_is_named_with_what_there_is() -> None:
    with pytest.raises(ConfigError, match=f"TURN_END: no backend is called 'oracle'; installed are .*{TABLE_OF_WORDS}"):
        load_backend("callengine.turn_end", "oracle")


def test_the_table_of_words_is_the_default_and_installed() -> None:
    settings = load_settings({})
    assert (settings.turn_end, settings.speculate) == (TABLE_OF_WORDS, False)
    assert callable(load_backend("callengine.turn_end", settings.turn_end))
    assert load_settings({"SPECULATE": "on"}).speculate


@pytest.mark.parametrize("group", get_args(Group))
def test_anyone_s_backend_is_found_by_its_name(group: Group, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but an installed package with an entry point: shipped backends are registered the same way."""
    with pytest.raises(ConfigError, match=VARIABLES[group]):
        load_backend(group, "foreign")
    write_entry_points(tmp_path, "foreign", f"[{group}]\nforeign = foreign_part:open_it\n")
    (tmp_path / "foreign_part.py").write_text(f"def open_it(settings, bridge):\n    return '{group}'\n")
    monkeypatch.syspath_prepend(tmp_path)
    invalidate_caches()
    monkeypatch.delitem(sys.modules, "foreign_part", raising=False)
    assert load_backend(group, "foreign")(None, None) == group
    with pytest.raises(ConfigError, match="foreign"):
        load_backend(group, "unheard of")
