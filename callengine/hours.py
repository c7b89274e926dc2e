"""When people are in: ranges of each weekday by the clock on the shop's wall, holidays, and days that differ. Pure.

A range that ends before it begins goes on past midnight and belongs to the day on which it begins. Everything is
judged by what a clock on the wall shows: the hour that comes twice in autumn is open twice, or closed twice."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, field_validator, model_validator

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LOOKED_AHEAD_DAYS = 370  # a shop that opens no day in a year does not open
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_RANGE = re.compile(r"([01]\d|2[0-3]):([0-5]\d) ?[-–] ?(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))")


@dataclass(frozen=True, slots=True)
class Range:
    """From `begin` to before `end`, both counted from the midnight that begins the day; `end` may be the next day's."""

    begin: timedelta
    end: timedelta


def _range(text: Any) -> Range:
    match = _RANGE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f'{text!r} is no range of times such as "09:00-18:00"')
    hour, minute, *until = (int(part) for part in match.groups() if part is not None)
    begin = timedelta(hours=hour, minutes=minute)
    end = timedelta(hours=until[0], minutes=until[1])
    if begin == end:
        raise ValueError(f'{text!r} begins when it ends: write "00:00-24:00" for the whole day')
    return Range(begin, end if end > begin else end + _DAY)


def _ranges(value: Any) -> tuple[Range, ...]:
    """A list of ranges; one alone may stand as it is, and an empty list is a day that is closed."""
    return tuple(_range(text) for text in (value if isinstance(value, list | tuple) else [value]))


Ranges = Annotated[tuple[Range, ...], BeforeValidator(_ranges)]


class Hours(BaseModel):
    """The table `[hours]` of an agent file; a weekday that it does not name is closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    zone: str
    monday: Ranges = ()
    tuesday: Ranges = ()
    wednesday: Ranges = ()
    thursday: Ranges = ()
    friday: Ranges = ()
    saturday: Ranges = ()
    sunday: Ranges = ()
    holidays: tuple[date, ...] = ()  # closed
    exceptions: dict[date, Ranges] = {}  # dates with hours of their own

    @field_validator("zone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no time zone {value!r}; for instance Europe/Moscow (IANA's names)") from None
        return value

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        if both := sorted(set(self.holidays) & set(self.exceptions)):
            raise ValueError(f"{both[0]} is in holidays and in exceptions: leave it in one of them")
        return self

    def is_open(self, moment: datetime) -> bool:
        """Whether people are in at a moment (with its zone)."""
        shown = self._shown(moment)
        return any(begin <= shown < end for day in (shown.date() - _DAY, shown.date()) for begin, end in self._on(day))

    def opens(self, moment: datetime) -> datetime | None:
        """When people are in next, in the shop's zone; `moment` itself where they are. None: within a year never."""
        zone, moment = ZoneInfo(self.zone), moment.astimezone(UTC)
        if self.is_open(moment):
            return moment.astimezone(zone)
        found: list[datetime] = []
        today = self._shown(moment).date()
        for ahead in range(-1, LOOKED_AHEAD_DAYS):
            found += [at for at in self._changes(today + ahead * _DAY, zone) if at >= moment and self.is_open(at)]
            # a day of the zone and one of UTC begin at different hours: what comes first may be among the next day's
            if found and today + (ahead - 1) * _DAY > max(found).date():
                break
        return min(found).astimezone(zone) if found else None

    def _on(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """A day's ranges as a clock on the wall shows them."""
        midnight = datetime.combine(day, time())
        for one in self._of(day):
            yield midnight + one.begin, midnight + one.end

    def _of(self, day: date) -> tuple[Range, ...]:
        if day in self.exceptions:
            return self.exceptions[day]
        if day in self.holidays:
            return ()
        ranges: tuple[Range, ...] = getattr(self, WEEKDAYS[day.weekday()])
        return ranges

    def _shown(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def _changes(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        """The moments of a day at which people may come in: a range begins, or the clock on the wall is set."""
        for begin, _ in self._on(day):
            for fold in (0, 1):
                yield begin.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        first, last = (datetime.combine(day + ahead * _DAY, time(), UTC) for ahead in (0, 1))
        before = first.astimezone(zone).utcoffset()
        if before != last.astimezone(zone).utcoffset():
            while last - first > _MINUTE:
                middle = first + (last - first) // (2 * _MINUTE) * _MINUTE
                first, last = (middle, last) if middle.astimezone(zone).utcoffset() == before else (first, middle)
            yield last
