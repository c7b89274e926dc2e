"""`docs/store-api.yaml` is the app's own document, and it is one that tools can be made from."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from callengine.services.demo_store.app import build_app
from callengine.services.demo_store.database import open_database
from callengine.services.demo_store.document import document_yaml

FILE = Path(__file__).parents[3] / "docs" / "store-api.yaml"


@pytest.fixture
def document() -> Any:
    database = open_database(":memory:", date(2030, 3, 1))
    app = build_app(database, lambda: date(2030, 3, 1))
    database.close()
    return app.openapi()


def test_the_file_is_the_document(document: Any) -> None:
    written = FILE.read_text(encoding="utf-8")
    again = "; make it again: .venv/bin/python -m callengine.services.demo_store --document > docs/store-api.yaml"
    assert yaml.safe_load(written) == document, FILE.name + again
    assert written == document_yaml(document), FILE.name + again


def test_every_operation_is_described(document: Any) -> None:
    assert document["openapi"].startswith("3.1.")
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert {operation["operationId"] for operation in operations} == {
        "searchProducts",
        "getProduct",
        "getOrder",
        "findOrders",
        "createOrder",
        "cancelOrder",
        "listBranches",
        "requestCallback",
    }
    for operation in operations:
        assert operation["description"]
        assert {"401", "422"} <= set(operation["responses"])
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], parameter["name"]


def test_every_reference_leads_somewhere(document: Any) -> None:
    names = {ref.rsplit("/", 1)[-1] for ref in _references(document)}
    assert names
    assert names <= set(document["components"]["schemas"])


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [ref for value in part.values() for ref in _references(value)]
    return [ref for item in part for ref in _references(item)] if isinstance(part, list) else []
