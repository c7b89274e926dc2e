"""Backends by name: every group has its setting, and a wrong name says what there is."""

from typing import get_args

import pytest

from callengine.config import TABLE_OF_WORDS, Settings, load_settings
from callengine.errors import ConfigError
from callengine.plugins import VARIABLES, Group, load_backend


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
