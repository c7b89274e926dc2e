"""What the engine knows of a call and may put into a request to the Store: `{caller.number}` and the like. Pure."""

import re

from callengine.ports.tools import CallerContext

_NAME = re.compile(r"\{([^{}]*)\}")
_KNOWN = {
    "caller.number": lambda caller: caller.number,
    "caller.name": lambda caller: caller.name,
    "call.called": lambda caller: caller.called,
    "call.channel": lambda caller: caller.channel,
    "call.language": lambda caller: caller.language,
    "call.id": lambda caller: caller.call_id,
}
_FIELD = "field."  # of the dialplan's registration


def unknown_names(text: str) -> list[str]:
    """Names between braces that no call has."""
    return [name for name in _NAME.findall(text) if name not in _KNOWN and not name.startswith(_FIELD)]


def names_in(text: str) -> list[str]:
    """Names between braces."""
    return _NAME.findall(text)


def filled(text: str, caller: CallerContext) -> str | None:
    """The text with the call's values in it; None where one of them is not known of this call."""
    values = {name: _value(name, caller) for name in names_in(text)}
    return _NAME.sub(lambda found: values[found[1]], text) if all(values.values()) else None


def _value(name: str, caller: CallerContext) -> str:
    known = _KNOWN.get(name)
    return known(caller) if known else caller.fields.get(name.removeprefix(_FIELD), "")
