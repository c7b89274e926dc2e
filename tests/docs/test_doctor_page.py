"""The doctor's page has a row for each of its parts."""

import re

from callengine.doctor.checks import CHECKS
from tests.docs.pages import ROOT


def test_every_part_and_no_other_has_a_row() -> None:
    page = (ROOT / "docs/howto/doctor.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(dict.fromkeys(check.part for check in CHECKS))
