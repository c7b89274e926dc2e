"""A shop's recordings with what is said in them: `name.wav` beside `name.txt`, or a CSV of file and text."""

import csv
from dataclasses import dataclass
from pathlib import Path

from callengine.caller.speech import load_speech
from callengine.errors import ConfigError

FOLDER = "FOLDER"
COLUMNS = ("file", "text")


@dataclass(frozen=True, slots=True)
class Sample:
    """One recording: 8 kHz slin and its words; no words: nothing is said in it."""

    name: str
    slin: bytes
    words: str


def load_samples(place: Path, most: int | None = None) -> list[Sample]:
    """The samples of a folder, or of a CSV whose files are named from where it lies; at most the first `most`.

    Any rate is resampled to the 8 kHz of a telephone line. Raises ConfigError with the file that cannot be used."""
    pairs = _from_csv(place) if place.is_file() else _from_folder(place)
    return [Sample(path.stem, load_speech(path, FOLDER), words) for path, words in pairs[:most]]


def _from_folder(folder: Path) -> list[tuple[Path, str]]:
    if not folder.is_dir():
        raise ConfigError(FOLDER, f"there is no folder and no CSV {folder}")
    recordings = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".wav")
    if not recordings:
        raise ConfigError(FOLDER, f"{folder} holds no WAV file; it takes name.wav with what is said in name.txt")
    without = [path.name for path in recordings if not path.with_suffix(".txt").is_file()]
    if not without:
        return [(path, _read(path.with_suffix(".txt"))) for path in recordings]
    tables = sorted(folder.glob("*.csv"))
    if len(tables) == 1 and len(without) == len(recordings):
        return _from_csv(tables[0])
    more = f" and {len(without) - 1} more" if len(without) > 1 else ""
    problem = f"{folder / without[0]} has no transcript{more}; write what is said to {Path(without[0]).stem}.txt"
    raise ConfigError(FOLDER, f"{problem} beside it, empty where nothing is, or give one CSV with file,text")


def _from_csv(table: Path) -> list[tuple[Path, str]]:
    rows = list(csv.DictReader(_read(table).splitlines()))
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise ConfigError(FOLDER, f"{table} must be a CSV of recordings whose first line is file,text")
    pairs = [(table.parent / (row["file"] or ""), (row["text"] or "").strip()) for row in rows]
    missing = [path for path, _ in pairs if not path.is_file()]
    if missing:
        raise ConfigError(FOLDER, f"{table} names {missing[0]}, which is not there")
    return pairs


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise ConfigError(FOLDER, f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(FOLDER, f"{path} is not UTF-8 text") from None
