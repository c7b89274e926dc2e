"""What the pages show as code can be used as it stands."""

import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jmespath
import pytest

from callengine.ports.reasoning import CallerSaid, ReplyRequest, TextDelta
from callengine.ports.tools import CallerContext
from tests.docs.pages import PAGES, ROOT, blocks, name_of


def of_kind(kind: str) -> list[tuple[Path, str]]:
    return [(page, text) for page in PAGES for text in blocks(page, kind)]


def named(example: object) -> str:
    return name_of(example) if isinstance(example, Path) else ""


@pytest.mark.parametrize(("page", "text"), of_kind("toml"), ids=named)
def test_toml(page: Path, text: str) -> None:
    for expression in keeps(tomllib.loads(text)):
        jmespath.compile(expression)


def keeps(value: Any) -> Iterator[str]:
    """What `keep` of tools says, wherever it stands."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key == "keep":
            yield inner
        yield from keeps(inner)


@pytest.mark.parametrize(("page", "text"), of_kind("sh"), ids=named)
def test_shell(page: Path, text: str) -> None:
    done = subprocess.run(["bash", "-n"], input=text.replace("…", "x"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def test_the_dialog_of_the_how_to_answers() -> None:
    (source,) = blocks(ROOT / "docs/howto/own-backend.md", "python")
    module: dict[str, Any] = {}
    exec(source, module)
    request = ReplyRequest("", (CallerSaid("hello"),), (), CallerContext("1", "en-GB"))
    async with module["open_dialog"](None, None) as dialog:
        await dialog.check()
        async with dialog.open_reply(request) as reply:
            assert await reply.receive() == TextDelta("You said: hello.")
            assert await reply.receive() is None
