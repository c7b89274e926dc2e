"""Credentials that the chosen backends need, looked at before anything starts: a missing key costs nobody the start of
a database."""

from callengine.config import Settings
from callengine.errors import ConfigError
from callengine.key_file import read_key_file


def check_credentials(settings: Settings) -> None:
    """Raise ConfigError where a key that is needed is not set, or Google's key file cannot be read."""
    if settings.dialog_backend == "claude" and settings.anthropic_api_key is None:
        raise ConfigError("ANTHROPIC_API_KEY", "is not set, and the dialog is Claude's (DIALOG_BACKEND=claude)")
    chosen = (settings.stt_backend, settings.stt_fallback, settings.tts_backend, settings.tts_fallback)
    if settings.google_application_credentials is not None and "google" in chosen:
        read_key_file(settings.google_application_credentials)
