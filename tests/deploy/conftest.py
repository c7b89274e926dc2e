"""What runs a deployment's own programs (HAProxy, Prometheus, Ansible, keepalived, Redis, images by their steps) has a
command of its own: they come from Debian, some want root, and all take their time."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them `deployment`, so that `make test` leaves them out and `make test-deploy` has them."""
    for item in items:
        if item.get_closest_marker("integration") and HERE in item.path.parents:
            item.add_marker("deployment")
