"""What a backup is at its place: a dump, and beside it, written last, a page that says what is in it.

A dump without its page is one that was broken off: it is never restored, and goes with the next backup."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

DUMP = ".dump.age"
PAGE = ".json"
FORM = 1
STAMP = "%Y%m%dT%H%M%SZ"
NAME = re.compile(r"callengine-(\d{8}T\d{6}Z)")
UNFINISHED = timedelta(days=1)  # so long another backup may still be writing


@dataclass(frozen=True, slots=True)
class Copy:
    """One backup. `size` in bytes and `sha256` are the encrypted dump's; `rows` counts each table as of the same
    moment as the dump, `steps` are the migrations that the database had, `extensions` are pgvector and the like."""

    name: str
    size: int
    sha256: str
    rows: Mapping[str, int]
    steps: Sequence[str]
    extensions: Sequence[str] = ()

    @property
    def taken_at(self) -> datetime:
        """When it was begun, by its name; UTC."""
        return taken_at(self.name)

    def page(self) -> bytes:
        """As `read_page` reads it."""
        return json.dumps({"form": FORM} | asdict(self), indent=1).encode()


def read_page(page: bytes) -> Copy:
    """Raises ValueError where it is none, or one of a newer form."""
    try:
        found = json.loads(page)
        if found.pop("form") != FORM:
            raise ValueError("it was written by a newer version")
        copy = Copy(**found)
        taken_at(copy.name)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"it is no description of a backup ({error})") from None
    return copy


def name_at(now: datetime) -> str:
    """The name of a backup begun at `now`."""
    return f"callengine-{now.astimezone(UTC).strftime(STAMP)}"


def taken_at(name: str) -> datetime:
    """The time in a name. Raises ValueError for what is no backup's name."""
    match = NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no name of a backup")
    return datetime.strptime(match[1], STAMP).replace(tzinfo=UTC)


def whole(files: Collection[str]) -> list[str]:
    """The names of the backups among the files of a place that have both their parts, the oldest first."""
    names = {file.removesuffix(PAGE) for file in files if file.endswith(PAGE)}
    return sorted(name for name in names if NAME.fullmatch(name) and name + DUMP in files)


def outdated(files: Collection[str], now: datetime, keep: timedelta | None) -> list[str]:
    """The files to delete: of backups older than `keep` (None: of none), and of those that were broken off. Never the
    newest whole backup, however old; files that are not ours are not looked at."""
    safe = whole(files)
    kept = set(safe if keep is None else safe[-1:])
    gone = []
    for file in files:
        name = file.removesuffix(DUMP).removesuffix(PAGE)
        if name in kept or not NAME.fullmatch(name):
            continue
        if now - taken_at(name) > (keep if keep is not None and name in safe else UNFINISHED):
            gone.append(file)
    return sorted(gone, key=lambda file: (file.endswith(DUMP), file))  # without its page a dump is none any more
