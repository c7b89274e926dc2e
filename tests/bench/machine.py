"""Which machine measured, and how busy it was: the head of every table of figures."""

import os

from callengine.cli.load import machine


def told_machine() -> str:
    """One line; asked for before anything is measured."""
    return f"Machine: {machine()}; load average before: {os.getloadavg()[0]:.2f}"
