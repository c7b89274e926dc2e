"""Google's key file as JSON: read before anything starts, and again by who uses it."""

import json
from pathlib import Path
from typing import Any

from callengine.errors import ConfigError

VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"


def read_key_file(path: Path) -> dict[str, Any]:
    """What is in it. Raises ConfigError."""
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(VARIABLE, f"cannot read {str(path)!r}: {error.strerror}") from None
    except ValueError:
        raise ConfigError(VARIABLE, f"{str(path)!r} is not a JSON key file") from None
    if not isinstance(info, dict):
        raise ConfigError(VARIABLE, f"{str(path)!r} is not a JSON key file")
    return info
