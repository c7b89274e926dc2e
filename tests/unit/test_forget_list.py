"""The forget list: what was noted is there whatever happens, and it names nobody."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.errors import ConfigError
from callengine.ports.forgetting import Forgotten, Kind, Target
from callengine.services.forget_list import ForgetList

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIMES = st.datetimes().map(lambda moment: moment.replace(tzinfo=UTC))
KINDS: st.SearchStrategy[Kind] = st.sampled_from(["number", "call", "age"])
ENTRIES = st.builds(Forgotten, KINDS, st.text("0123456789abcdef"), st.text("0123456789abcdef"), TIMES, TIMES)


def entry(number: str = "9161234567", salt: str = "ab") -> Forgotten:
    return Target("number", number, NOON).noted(salt, NOON)


@given(st.lists(st.lists(ENTRIES, max_size=4), max_size=4))
def test_every_entry_is_there_once_in_the_order_of_its_coming(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[Forgotten]]
) -> None:
    file = ForgetList(tmp_path_factory.mktemp("data"))
    for part in parts:
        file.add(part)
    every = {one.identity: one for part in parts for one in reversed(part)}
    assert {one.identity for one in file.entries()} == set(every)
    assert len(file.entries()) == len(every)


def test_it_names_nobody_and_only_we_read_it(tmp_path: Path) -> None:
    file = ForgetList(tmp_path)
    file.add([entry()])
    assert "9161234567" not in file.path.read_text()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert file.salt() == "ab"


def test_the_salt_is_another_one_for_another_list_and_stays(tmp_path: Path) -> None:
    one, other = ForgetList(tmp_path / "a"), ForgetList(tmp_path / "b")
    salt = one.salt()
    assert salt != other.salt()
    one.add([entry(salt=salt), Target("age", "", NOON).noted(salt, NOON)])
    assert one.salt() == salt


def test_a_line_that_a_power_cut_left_is_no_entry_and_no_obstacle(tmp_path: Path) -> None:
    file = ForgetList(tmp_path)
    file.add([entry("1"), entry("2")])
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[:-20])
    assert len(file.entries()) == 1
    file.add([entry("3")])
    assert [one.hash for one in file.entries()] == [entry("1").hash, entry("3").hash]


@pytest.mark.parametrize("line", ["{}", "nonsense", '{"kind": "all", "salt": "", "hash": ""}'])
def test_a_list_that_cannot_be_read_stops_everything(tmp_path: Path, line: str) -> None:
    file = ForgetList(tmp_path)
    file.add([entry("1")])
    with file.path.open("a") as text:
        text.write(f"{line}\n")
    with pytest.raises(ConfigError, match="line 2 of the forget list"):
        file.entries()


def test_an_age_needs_no_secret() -> None:
    noted = Target("age", "", NOON - timedelta(days=365)).noted("ab", NOON)
    assert (noted.salt, noted.hash) == ("", "")
