"""Schemas of an OpenAPI document as JSON Schema that stands alone, for a language model and for validation. Pure.

References are followed by `referencing`; OpenAPI 3.0's own keywords become those of JSON Schema 2020-12, which is what
OpenAPI 3.1 speaks (https://spec.openapis.org/oas/v3.1.1, "Schema Object").
"""

import re
from collections.abc import Mapping
from typing import Any

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

_MOST_PARTS = 2000  # of a schema written out; a model would lose itself long before
_NOISE = {"title", "example", "examples", "xml", "externalDocs", "deprecated", "discriminator", "$schema", "$id"}
_BY_NAME = {"properties", "patternProperties", "$defs", "dependentSchemas"}


class DocumentError(ValueError):
    """A document that no tool can be made from. Its text is one line."""


class References:
    """The references of one document; `followed` counts what was written out of them."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        resource = DRAFT202012.create_resource(document)
        self._resolver = Registry().with_resource("", resource).resolver()

    def target(self, part: Any) -> Any:
        """A part of the document, or what it refers to. Raises DocumentError."""
        seen = set()
        while isinstance(part, Mapping) and isinstance(reference := part.get("$ref"), str):
            if reference in seen:
                raise DocumentError(f"{reference} refers to itself")
            seen.add(reference)
            part = self.look_up(reference)
        return part

    def written_out(self, schema: Any) -> dict[str, Any]:
        """A schema without references, in JSON Schema 2020-12. One that holds itself is described once, and then as
        anything. Raises DocumentError."""
        plain = _Writer(self).write(schema, ())
        return plain if isinstance(plain, dict) else {}

    def look_up(self, reference: str) -> Any:
        """What a reference leads to. Raises DocumentError."""
        try:
            return self._resolver.lookup(reference).contents
        except Unresolvable:
            raise DocumentError(f"{reference} leads nowhere; references must stay within the document") from None


class _Writer:
    """Writes one schema out and counts its parts."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._parts = 0

    def write(self, part: Any, inside: tuple[str, ...]) -> Any:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise DocumentError(f"a schema has over {_MOST_PARTS} parts when it is written out; a model cannot use it")
        if isinstance(part, list):
            return [self.write(item, inside) for item in part]
        if not isinstance(part, Mapping):
            return part
        reference = part.get("$ref")
        if not isinstance(reference, str):
            return _modern({key: self._value(key, value, inside) for key, value in part.items() if _says(key)})
        if reference in inside:
            return {}
        found = self.write(self._references.look_up(reference), (*inside, reference))
        beside = self.write({key: value for key, value in part.items() if key != "$ref"}, inside)
        return {**found, **beside} if isinstance(found, dict) else beside

    def _value(self, key: str, value: Any, inside: tuple[str, ...]) -> Any:
        if key in _BY_NAME and isinstance(value, Mapping):  # these keys are names, whatever they look like
            return {name: self.write(schema, inside) for name, schema in value.items()}
        return value if key in ("enum", "const", "default") else self.write(value, inside)


def _says(key: str) -> bool:
    return key not in _NOISE and not key.startswith("x-")


def _modern(schema: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI 3.0's `nullable` and boolean bounds; a pattern that is no regular expression here is left to the Store."""
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(schema.get(bound), bool) and schema.pop(bound) and limit in schema:
            schema[bound] = schema.pop(limit)
    if "pattern" in schema and not _is_pattern(schema["pattern"]):
        del schema["pattern"]
    if schema.pop("nullable", False) is True:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


def _is_pattern(text: Any) -> bool:
    try:
        re.compile(text)
    except (re.error, TypeError):
        return False
    return True
