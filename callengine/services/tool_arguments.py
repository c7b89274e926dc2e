"""Whether a tool's arguments fit what the tool asks, before anything is sent. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from callengine.ports.tools import ToolSpec

_LONGEST = 300


def argument_problem(spec: ToolSpec, arguments: Mapping[str, Any]) -> str | None:
    """What is wrong with the arguments, for whoever made them (one line), or None.

    The text may repeat an argument: it is for the model, never for a log.
    """
    if not _is_text(arguments):
        return "text: holds characters that are no Unicode text"
    error = best_match(Draft202012Validator(dict(spec.parameters)).iter_errors(dict(arguments)))
    if error is None:
        return None
    where = ".".join(str(part) for part in error.absolute_path)
    return f"{where + ': ' if where else ''}{error.message}"[:_LONGEST]


def _is_text(arguments: Mapping[str, Any]) -> bool:
    """Half a surrogate pair can stand in JSON and in a `str`, but in no request and no database."""
    try:
        json.dumps(dict(arguments), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
