"""What tests have measured, told at the end of a run. Nothing is asserted of it: this machine is not the user's."""

from operator import attrgetter

import pytest

FIGURE = "figure"  # the property of a test's report that holds one: reports come here from every worker


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Every figure, in the order of its test's name."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    reports.sort(key=attrgetter("nodeid"))  # workers end their tests in any order
    if lines := [value for report in reports for name, value in report.user_properties if name == FIGURE]:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
