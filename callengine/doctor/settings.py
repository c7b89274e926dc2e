"""The settings beyond what a start refuses: the files they name, and what is a mistake though it can be used."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import trio
from pydantic import SecretStr

from callengine.answering import load_agents
from callengine.config import TABLE_OF_WORDS, Settings
from callengine.doctor.checkup import Patient
from callengine.doctor.findings import Finding
from callengine.doctor.settings_rules import CHECK, judge_api, judge_parts, judge_peers, judge_secret
from callengine.errors import ConfigError
from callengine.plugins import load_backend
from callengine.prices import load_prices

URLS = ("DATABASE_URL", "REDIS_URL", "STORE_API_URL")
KEY_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
FILES_READ: tuple[Callable[[Settings], object], ...] = (
    lambda settings: load_agents(settings.agent_file, settings.call_language),
    lambda settings: load_prices(settings.prices_file),
    lambda settings: settings.turn_end == TABLE_OF_WORDS or load_backend("callengine.turn_end", settings.turn_end),
)


async def look_at_settings(patient: Patient) -> list[Finding]:
    """What each part is asked with is that part's own check."""
    settings = patient.settings
    set_now = [name for name in URLS if getattr(settings, name.lower())]
    found = [judge_parts(settings.embedded, set_now, [name for name in URLS if name not in set_now])]
    found += await trio.to_thread.run_sync(_look_at_files, settings)
    found += await trio.to_thread.run_sync(_look_at_secrets, patient)
    found += judge_api(settings.api_host, settings.api_token is not None)
    return [*found, *judge_peers(settings.allowed_peers, settings.require_registration)]


def _look_at_files(settings: Settings) -> list[Finding]:
    found = []
    for read in FILES_READ:
        try:
            read(settings)
        except ConfigError as error:
            found.append(Finding(CHECK, "fail", str(error), "callengine check tells more of an agent file"))
    return found


def _look_at_secrets(patient: Patient) -> list[Finding]:
    """Files named by `NAME_FILE`, and Google's key file. One that cannot be read is told by whoever reads it."""
    fields = Settings.model_fields.items()
    secrets = {f"{name.upper()}_FILE" for name, field in fields if SecretStr in get_args(field.annotation)}
    files = {name: path for name, path in patient.environ.items() if name in secrets and path}
    if patient.settings.google_application_credentials is not None:
        files[KEY_FILE] = str(patient.settings.google_application_credentials)
    found = []
    for variable, path in sorted(files.items()):
        try:
            mode, folder_mode = Path(path).stat().st_mode, Path(path).resolve().parent.stat().st_mode
        except OSError:
            continue
        found += judge_secret(variable, path, mode, folder_mode)
    return found
