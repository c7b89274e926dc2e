"""The pages that people read, and what stands in them as code."""

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "secrets/README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "docker").rglob("README*.md"),
    ]
)
FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(`+)(.+?)\1", re.DOTALL)
NOT_YET = re.compile(r"^Not yet:.*?\n\n", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    """A page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    """A page without the paragraph of what is still to come."""
    return NOT_YET.sub("", page.read_text(encoding="utf-8"))


def lines_of_blocks(page: Path) -> list[str]:
    """The lines of a page's fenced blocks; what a backslash breaks is one."""
    return "".join(found[3] for found in FENCE.finditer(text_of(page))).replace("\\\n", " ").splitlines()


def blocks(page: Path, kind: str) -> list[str]:
    """A page's fenced blocks of one kind, as `sh`, without what they are indented by."""
    return [textwrap.dedent(found[3]) for found in FENCE.finditer(text_of(page)) if found[2] == kind]


def spans(page: Path) -> list[str]:
    """What stands between backticks in a page's running text."""
    return [" ".join(found[2].split()) for found in SPAN.finditer(FENCE.sub("", text_of(page)))]


def code(page: Path) -> list[str]:
    """All of both."""
    return lines_of_blocks(page) + spans(page)
