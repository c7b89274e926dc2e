"""When people are in, by the clock on the wall: ordinary days, past midnight, holidays, and the two odd nights."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from callengine.hours import WEEKDAYS, Hours

MOSCOW = ZoneInfo("Europe/Moscow")
NEW_YORK = ZoneInfo("America/New_York")  # 2026: forward on 8 March at 2:00, back on 1 November at 2:00
ZONES = ("Europe/Moscow", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Pacific/Kiritimati", "UTC")
SHOP = Hours.model_validate(
    {
        "zone": "Europe/Moscow",
        **dict.fromkeys(WEEKDAYS[:5], ("09:00-13:00", "14:00-20:00")),
        "saturday": "22:00-02:00",
        "holidays": ["2026-01-01"],
        "exceptions": {"2026-01-04": "10:00-12:00", "2026-03-02": []},
    }
)


def moscow(day: int, hour: int, minute: int = 0, month: int = 1) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=MOSCOW)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (moscow(5, 8, 59), False),  # a Monday
        (moscow(5, 9), True),
        (moscow(5, 12, 59), True),
        (moscow(5, 13), False),
        (moscow(5, 19, 59), True),
        (moscow(5, 20), False),
        (moscow(1, 10), False),  # a Thursday, a holiday
        (moscow(3, 21, 59), False),  # a Saturday
        (moscow(3, 23, 59), True),
        (moscow(4, 0), True),  # still Saturday's
        (moscow(4, 1, 59), True),
        (moscow(4, 2), False),
        (moscow(4, 10), True),  # a Sunday with hours of its own
        (moscow(11, 10), False),  # another Sunday
        (moscow(2, 10, month=3), False),  # a Monday that is closed
    ],
)
def test_days_of_a_shop(moment: datetime, is_open: bool) -> None:
    assert SHOP.is_open(moment) is is_open
    assert SHOP.is_open(moment.astimezone(UTC)) is is_open, "the zone that a moment is told in changes nothing"


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        (moscow(5, 9, 30), moscow(5, 9, 30)),
        (moscow(5, 13, 30), moscow(5, 14)),
        (moscow(5, 20), moscow(6, 9)),
        (moscow(9, 20), moscow(10, 22)),  # Friday's evening
        (moscow(4, 2), moscow(4, 10)),
        (moscow(1, 23, month=3), moscow(3, 9, month=3)),
    ],
)
def test_when_it_opens(moment: datetime, opens: datetime) -> None:
    assert SHOP.opens(moment) == opens


def test_one_that_opens_on_no_day_does_not_open() -> None:
    never = Hours(zone="Europe/Moscow")
    assert not never.is_open(moscow(5, 12))
    assert never.opens(moscow(5, 12)) is None


def test_the_whole_day_has_no_hole_at_midnight() -> None:
    always = Hours.model_validate({"zone": "Europe/London", **dict.fromkeys(WEEKDAYS, "00:00-24:00")})
    start = datetime(2026, 10, 24, tzinfo=UTC)
    assert all(always.is_open(start + timedelta(minutes=7 * step)) for step in range(600))


def new_york(*ranges: str) -> Hours:
    return Hours.model_validate({"zone": "America/New_York", "sunday": list(ranges)})


def opening(hours: Hours, moment: datetime) -> datetime | None:
    """In UTC: times of the hour that comes twice equal none of another zone (PEP 495)."""
    opens = hours.opens(moment)
    return opens and opens.astimezone(UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_range_that_begins_in_the_hour_that_never_comes() -> None:
    shop = new_york("02:30-05:00")
    assert opening(shop, utc("2026-03-08T06:00")) == utc("2026-03-08T07:00"), "3:00 follows 1:59"
    assert not shop.is_open(utc("2026-03-08T06:59"))
    assert shop.is_open(utc("2026-03-08T08:59"))
    assert not shop.is_open(utc("2026-03-08T09:00"))


def test_a_range_within_the_hour_that_never_comes() -> None:
    assert opening(new_york("02:10-02:50"), utc("2026-03-08T05:00")) == utc("2026-03-15T06:10")


def test_the_hour_that_comes_twice_is_open_twice() -> None:
    shop = new_york("00:30-01:30")
    first, closed, second, over = (utc(f"2026-11-01T{at}") for at in ("05:29", "05:30", "06:00", "06:30"))
    assert [shop.is_open(at) for at in (first, closed, second, over)] == [True, False, True, False]
    assert opening(shop, closed) == second
    assert opening(new_york("01:40-03:00"), utc("2026-11-01T05:00")) == utc("2026-11-01T05:40")


TIMES = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 15, 30, 59)))
RANGES = st.tuples(TIMES, TIMES).filter(lambda pair: pair[0] != pair[1]).map("-".join)
HOURS = st.fixed_dictionaries(
    {"zone": st.sampled_from(ZONES), **{day: st.lists(RANGES, max_size=2) for day in WEEKDAYS}}
).map(Hours.model_validate)
MINUTES = st.integers(0, 365 * 1440).map(lambda minutes: utc("2026-01-01") + timedelta(minutes=minutes))
MOMENTS = MINUTES | st.sampled_from(
    [utc("2026-03-08T06:00"), utc("2026-11-01T05:00"), utc("2026-04-04T15:00"), utc("2026-10-03T15:00")]
)


def in_words(hours: Hours, moment: datetime) -> bool:
    """The same question, asked another way: minutes on the wall's clock since Monday's midnight."""
    shown = moment.astimezone(ZoneInfo(hours.zone))
    at = (shown.weekday() * 24 + shown.hour) * 60 + shown.minute
    for number, day in enumerate(WEEKDAYS):
        for one in getattr(hours, day):
            begin = number * 1440 + int(one.begin.total_seconds() // 60)
            length = int((one.end - one.begin).total_seconds() // 60)
            if (at - begin) % (7 * 1440) < length:
                return True
    return False


@given(HOURS, MOMENTS)
def test_open_is_what_the_wall_says(hours: Hours, moment: datetime) -> None:
    assert hours.is_open(moment) == in_words(hours, moment)


@given(HOURS, MOMENTS, st.integers(0, 7 * 1440))
def test_nothing_is_open_before_it_opens(hours: Hours, moment: datetime, minutes: int) -> None:
    opens = opening(hours, moment)
    if opens is None:
        assert not hours.is_open(moment + timedelta(minutes=minutes))
        return
    assert hours.is_open(opens)
    assert opens >= moment
    between = moment.replace(second=0, microsecond=0) + timedelta(minutes=minutes)
    if moment <= between < opens:
        assert not hours.is_open(between)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"zone": "Moscow"}, "there is no time zone 'Moscow'"),
        ({"zone": ""}, "there is no time zone ''"),
        ({"zone": "../etc/passwd"}, "there is no time zone"),
        ({"zone": "UTC", "monday": "9-18"}, "'9-18' is no range of times such as"),
        ({"zone": "UTC", "monday": "09:00-24:30"}, "is no range of times"),
        ({"zone": "UTC", "monday": [900]}, "900 is no range of times"),
        ({"zone": "UTC", "monday": "09:00-09:00"}, 'write "00:00-24:00" for the whole day'),
        ({"zone": "UTC", "mon": "09:00-18:00"}, "Extra inputs are not permitted"),
        ({"zone": "UTC", "holidays": ["2026-02-30"]}, "date"),
        ({"zone": "UTC", "holidays": ["2026-01-01"], "exceptions": {"2026-01-01": []}}, "2026-01-01 is in holidays"),
    ],
)
def test_what_is_wrong_is_said(table: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(problem)):
        Hours.model_validate(table)
