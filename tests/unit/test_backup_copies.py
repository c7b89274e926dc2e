"""Which files of a place are backups, and which of them have to go."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.backup.copies import DUMP, PAGE, Copy, name_at, outdated, read_page, taken_at, whole
from callengine.backup.daily import DAY, next_start

NOW = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
AT = time(3, 30)

AGES = st.integers(min_value=0, max_value=100 * 86400)
PARTS = st.sampled_from([(DUMP,), (PAGE,), (DUMP, PAGE)])
PLACES = st.dictionaries(AGES, PARTS, max_size=12).map(
    lambda ages: [name_at(NOW - timedelta(seconds=age)) + part for age, parts in ages.items() for part in parts]
)


def test_a_name_is_a_time() -> None:
    assert name_at(NOW) == "callengine-20261123T033000Z"
    assert taken_at(name_at(NOW)) == NOW


@pytest.mark.parametrize("name", ["callengine-2026", "x-20261123T033000Z", "callengine-20261399T000000Z"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name|time data"):
        taken_at(name)


def test_a_page_is_read_as_it_was_written() -> None:
    copy = Copy(name_at(NOW), 5, "ab", {"calls": 3}, ["0001.calls"], ["vector"])
    assert read_page(copy.page()) == copy
    assert copy.taken_at == NOW


@pytest.mark.parametrize(
    ("page", "problem"),
    [(b"", "line 1"), (b"[]", "no description of a backup"), (b'{"form": 2}', "newer version"), (b"{}", "'form'")],
    ids=["nothing", "a list", "another form", "no form"],
)
def test_a_page_that_says_nothing_is_refused(page: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_page(page)


@given(PLACES, st.none() | st.integers(min_value=1, max_value=60))
def test_the_newest_whole_one_and_the_young_stay(files: list[str], keep_days: int | None) -> None:
    keep = None if keep_days is None else timedelta(days=keep_days)
    gone = set(outdated(files, NOW, keep))
    before, after = whole(files), whole([file for file in files if file not in gone])
    assert before[-1:] == after[-1:]
    for name in before[:-1]:
        assert (name in after) == (keep is None or NOW - taken_at(name) <= keep)
    for file in set(files) - gone:
        name = file.removesuffix(DUMP).removesuffix(PAGE)
        assert name in after or NOW - taken_at(name) <= DAY, "what was broken off goes after a day"


@given(PLACES)
def test_a_deletion_that_is_broken_off_leaves_nothing_that_looks_whole(files: list[str]) -> None:
    gone = outdated(files, NOW, timedelta(days=1))
    for deleted in range(len(gone)):
        left = [file for file in files if file not in gone[:deleted]]
        assert all(name + DUMP in left for name in whole(left))
    assert gone == sorted(gone, key=lambda file: file.endswith(DUMP))


def test_files_of_others_are_left_alone() -> None:
    others = ["notes.txt", "callengine.json", "callengine-2020.dump.age", "other-20200101T000000Z.json"]
    assert outdated(others, NOW, timedelta(days=1)) == []
    assert whole(others) == []


@pytest.mark.parametrize(
    ("newest", "due"),
    [
        (None, NOW),
        (NOW - timedelta(days=2), NOW),
        (NOW - timedelta(hours=25), NOW),
        (NOW - DAY, NOW),
        (NOW - timedelta(hours=17), NOW),
        (NOW - timedelta(minutes=50), NOW + DAY),
        (NOW, NOW + DAY),
    ],
    ids=["none", "two days old", "an hour over", "yesterday's", "by hand at noon", "by hand before", "just now"],
)
def test_when_the_next_is_due(newest: datetime | None, due: datetime) -> None:
    assert next_start(newest, NOW, AT) == due


def test_a_start_before_the_time_of_day_waits_for_it() -> None:
    assert next_start(NOW - timedelta(hours=23), NOW - timedelta(hours=1), AT) == NOW
