"""Backends by name: whatever is installed in an entry-point group, ours registered like anyone's."""

from importlib.metadata import entry_points
from typing import Any, Literal

from callengine.errors import ConfigError

Group = Literal["callengine.stt", "callengine.tts", "callengine.dialog", "callengine.turn_end"]
VARIABLES: dict[Group, str] = {
    "callengine.stt": "STT_BACKEND",
    "callengine.tts": "TTS_BACKEND",
    "callengine.dialog": "DIALOG_BACKEND",
    "callengine.turn_end": "TURN_END",
}


def load_backend(group: Group, name: str, variable: str = "") -> Any:
    """The `open_...` function of a backend. Raises ConfigError naming the setting (`variable`, where it is not the
    usual one) and what is installed."""
    variable = variable or VARIABLES[group]
    found = {point.name: point for point in entry_points(group=group)}
    if name not in found:
        raise ConfigError(variable, f"no backend is called {name!r}; installed are {', '.join(sorted(found))}")
    try:
        return found[name].load()
    except ImportError as error:
        raise ConfigError(variable, f"the backend {name!r} cannot be loaded: {error}") from error
