"""CI has every server, so there a skipped integration test is a failed one: it would hide a server that is missing.

With CALLENGINE_REQUIRE_SERVERS=1 in the environment, a test marked `integration` that skips fails with its reason. One
that needs something else than a server (to be root, an interpreter open to everybody) says so with `may_skip`."""

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the report of a skip that is not allowed into a failure."""
    report = yield
    required = os.environ.get("CALLENGINE_REQUIRE_SERVERS") == "1"
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if required and skipped and item.get_closest_marker("integration") and not item.get_closest_marker("may_skip"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped where CALLENGINE_REQUIRE_SERVERS=1 wants every server: {reason}"
    return report
