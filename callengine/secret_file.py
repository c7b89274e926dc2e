"""A setting's value from the file that `NAME_FILE` names; a secret's file must not be open to everybody."""

import stat
from pathlib import Path

from callengine.errors import ConfigError


def text_of(variable: str, path: str, *, secret: bool) -> str:
    """The file's text without the space around it. `variable` names the file's setting, for the line of a ConfigError:
    a file that cannot be read, one that is empty, or a secret that everybody on the machine can read."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            mode = stat.S_IMODE(Path(path).stat().st_mode)
            text = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(variable, f"cannot read {path!r}: {error}") from None
    if secret and mode & stat.S_IROTH:
        raise ConfigError(variable, f"everybody can read {path!r} (mode {mode:04o}): chmod 640 {path}")
    if secret and not text:
        raise ConfigError(variable, f"{path!r} is empty")
    return text
