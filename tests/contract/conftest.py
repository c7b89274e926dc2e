"""Fixtures of the suites: every implementation of a port that more than one file asks for."""

from tests.contract.journals import open_any_journal
from tests.contract.registries import open_nodes

__all__ = ["open_any_journal", "open_nodes"]
