"""Keys that the chosen backends need are missed before anything starts."""

from pathlib import Path

import pytest

from callengine.config import load_settings
from callengine.credentials import check_credentials
from callengine.errors import ConfigError


def refusal(**environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        check_credentials(load_settings(environ))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_claude_needs_its_key() -> None:
    assert refusal(DIALOG_BACKEND="claude").startswith("ANTHROPIC_API_KEY: is not set")
    check_credentials(load_settings({"DIALOG_BACKEND": "claude", "ANTHROPIC_API_KEY": "k"}))
    check_credentials(load_settings({}))


@pytest.mark.parametrize("backend", ["STT_BACKEND", "STT_FALLBACK", "TTS_BACKEND", "TTS_FALLBACK"])
@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "No such file or directory"), ("{", "is not a JSON key file"), ("[]", "is not a JSON key file")],
    ids=["missing", "broken", "a list"],
)
def test_google_needs_a_key_file_that_can_be_read(
    tmp_path: Path, backend: str, content: str | None, problem: str
) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    others = {"STT_BACKEND": "whisper", "TTS_BACKEND": "espeak"}
    said = refusal(**{**others, "GOOGLE_APPLICATION_CREDENTIALS": str(path), backend: "google"})
    assert said.startswith("GOOGLE_APPLICATION_CREDENTIALS: ")
    assert problem in said


def test_a_key_file_that_nobody_needs_is_not_read() -> None:
    others = {"STT_BACKEND": "whisper", "TTS_BACKEND": "espeak", "TTS_FALLBACK": "off"}
    check_credentials(load_settings({**others, "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/key.json"}))
