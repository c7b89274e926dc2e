"""The Store's OpenAPI 3.1 document as a reader wants it: what FastAPI generates, without its noise.

`docs/store-api.yaml` is this document; tools for a language model are made from such a document alone.
"""

from typing import Any

import yaml
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from callengine.services.demo_store.schemas import Problem

_REFS = "#/components/schemas/{model}"
_HEAD = "# Generated: python -m callengine.services.demo_store --document > docs/store-api.yaml\n"


def build_document(app: FastAPI, base_path: str) -> dict[str, Any]:
    """The OpenAPI document of an app served under a base path."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        servers=[{"url": base_path}],
    )
    problem = Problem.model_json_schema(ref_template=_REFS)
    document["components"]["schemas"] |= {**problem.pop("$defs"), "Problem": problem}
    for path in document["paths"].values():
        for operation in path.values():
            _tidy_operation(operation)
    tidied: dict[str, Any] = _without_titles(document)
    tidied["info"]["title"] = app.title
    return tidied


def document_yaml(document: dict[str, Any]) -> str:
    """A document as the text of `docs/store-api.yaml`."""
    return _HEAD + yaml.dump(document, Dumper=_BlockDumper, allow_unicode=True, sort_keys=False, width=110)


class _BlockDumper(yaml.SafeDumper):
    """YAML whose longer texts stand as they are written, line by line, and which repeats instead of aliasing."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_BlockDumper.add_representer(str, _text)


def _tidy_operation(operation: dict[str, Any]) -> None:
    # A token is asked only where the Store was started with one.
    operation["security"] = [{}, *operation["security"]]
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            response["description"] = operation["summary"] + "."
    for parameter in operation.get("parameters", ()):
        # What may be left out is not null: a query string has no null.
        schema = parameter["schema"]
        if choices := [choice for choice in schema.pop("anyOf", ()) if choice != {"type": "null"}]:
            schema = choices[0] | schema
        schema.pop("description", None)
        parameter["schema"] = schema


def _without_titles(part: Any, *, names: bool = False) -> Any:
    """A part of a document without `title` keys, which only repeat names; in a map of `names` a title is a name."""
    if isinstance(part, list):
        return [_without_titles(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _without_titles(value, names=key in ("properties", "schemas"))
        for key, value in part.items()
        if names or key != "title"
    }
