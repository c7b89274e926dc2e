"""The site of these pages, by Sphinx: `make docs` builds it into build/docs. A link that leads nowhere is an error.

The pages are read in the repository as well, so they link to files beside docs/ as one does there. The site has no such
files: a link to one becomes its path there, or an address under REPOSITORY_URL (`https://…/blob/main`) where it is set.
"""

import os
import re
from importlib import metadata
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

DOCS = Path(__file__).parent
REPOSITORY = os.environ.get("REPOSITORY_URL", "").rstrip("/")
# A fenced block, which is left alone, or a link within the repository: text, file, anchor.
LINK = re.compile(r"^ *```.*?^ *```$|\[([^\]]+)\]\((?!\w+:|#|<)([^)#\s]+)(#[^)\s]*)?\)", re.MULTILINE | re.DOTALL)

project = "callengine"
release = metadata.version("callengine")
copyright = "callengine's authors, Apache-2.0"
extensions = ["myst_parser"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "callengine"
html_copy_source = False
html_show_sphinx = False
# `make docs-links`, the one thing here that needs a network.
linkcheck_ignore = [r"https?://(localhost|127\.0\.0\.1|asterisk|engine|store-api|gpu)"]
linkcheck_timeout = 20
linkcheck_workers = 4


def lead_out(app: Sphinx, page: str, source: list[str]) -> None:
    """Turn a page's links to files beside docs/ into what the site can show; name those that are not there."""
    folder = (DOCS / page).parent

    def shown(link: re.Match[str]) -> str:
        text, target, anchor = link[1], link[2], link[3] or ""
        if not target:
            return link[0]
        path = (folder / target).resolve()
        if path.is_relative_to(DOCS) and path.is_file():
            return link[0]
        if not path.exists():
            logging.getLogger(__name__).warning("%s links to %s, which is not there", page, target, location=page)
        place = os.path.relpath(path, DOCS.parent)
        if REPOSITORY:
            return f"[{text}]({REPOSITORY}/{place}{anchor})"
        return text if place in text else f"{text} (`{place}`)"

    source[0] = LINK.sub(shown, source[0])


def setup(app: Sphinx) -> None:
    """Sphinx calls this."""
    app.connect("source-read", lead_out)
