"""Links lead to a heading that is there, also in the pages that are read in the repository alone.

The site's build looks at the links within docs/; README.md and the READMEs under docker/ are no part of it.
"""

import re
from pathlib import Path

import pytest
from myst_parser.slugs import github_slugify

from tests.docs.pages import FENCE, PAGES, name_of

LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What a link may name of a page."""
    headings = HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    return {github_slugify(re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading).replace("`", "")) for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        place = page.parent / target if target else page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), f"{target}#{anchor}"
