"""Recogniser, voice and dialog, each asked as the engine does at its start: nothing is spoken, no token is used.

The recogniser gets a stream of 100 ms of silence, Google's voice is asked for its list, Claude for its model's card."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import trio

from callengine.doctor.checkup import Patient
from callengine.doctor.figures import shown_ms
from callengine.doctor.findings import Finding
from callengine.doctor.own_parts import judge_own_part
from callengine.errors import ReasoningError, RecognizerError, SynthesisError
from callengine.plugins import load_backend
from callengine.recognisers import named_recognizers
from callengine.voices import named_voices

RECOGNISER, VOICE, DIALOG = "recogniser", "voice", "dialog"
KEY_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
# Where a service is looked for that does not answer.
ITS_OWN = {"whisper": "WHISPER_URL", "google": "GOOGLE_STT_ENDPOINT"}


async def look_at_recogniser(patient: Patient) -> list[Finding]:
    """Whether speech will be understood."""
    return await _look_at_one(patient, patient.settings.stt_backend, "STT_BACKEND")


async def look_at_fallback(patient: Patient) -> list[Finding]:
    """The recogniser that takes over in mid-call."""
    spare = patient.settings.stt_fallback
    if not spare:
        says = "STT_FALLBACK is not set: while the recogniser is away, callers are asked to wait, then to call again"
        return [Finding(RECOGNISER, "note", says)]
    named_recognizers(patient.settings)
    return await _look_at_one(patient, spare, "STT_FALLBACK")


async def look_at_voice(patient: Patient) -> list[Finding]:
    """Whether the agent can speak, and so its spare."""
    settings, found = patient.settings, []
    chosen, spare = named_voices(settings)
    for name, variable in ((chosen, "TTS_BACKEND"), (spare, "TTS_FALLBACK")):
        if name:
            opened = load_backend("callengine.tts", name, variable)(settings, patient.bridge)
            found.append(await _asked(opened, f"the voice {name!r}", VOICE, variable))
    if spare and "tts_backend" not in settings.model_fields_set and KEY_FILE in found[0].mend:
        # as `callengine.voices`: credentials that serve the recogniser alone
        says = f"{found[0].says}; nobody has chosen it, so {spare!r} speaks instead"
        found[0] = replace(found[0], verdict="warn", says=says)
    return found


async def look_at_dialog(patient: Patient) -> list[Finding]:
    """Whether somebody thinks."""
    settings = patient.settings
    open_dialog = load_backend("callengine.dialog", settings.dialog_backend)
    what = f"the dialog {settings.dialog_backend!r}"
    if settings.dialog_backend == "claude":
        models = " and ".join(filter(None, (settings.claude_model, settings.claude_fallback_model)))
        what = f"Claude ({models})"
    return [await _asked(open_dialog(settings, patient.bridge), what, DIALOG, "DIALOG_BACKEND")]


async def _look_at_one(patient: Patient, name: str, variable: str) -> list[Finding]:
    settings = patient.settings
    open_recognizer = load_backend("callengine.stt", name, variable)
    if name == "whisper" and not settings.whisper_url:
        return [judge_own_part(settings, RECOGNISER, "WHISPER_URL")]
    # One connection will do, where the engine opens one for every 50 calls.
    opened = open_recognizer(settings.model_copy(update={"max_calls": 1}), patient.bridge)
    return [await _asked(opened, f"the recogniser {name!r}", RECOGNISER, ITS_OWN.get(name, variable))]


async def _asked(opened: Any, what: str, check: str, variable: str) -> Finding:
    """The finding of a backend's own check; `variable` is to be looked at where it names no setting itself."""
    error: BaseException | None = None
    seconds = 0.0
    try:
        async with opened as backend:
            seconds = await _timed(backend.check)
    except* (RecognizerError, SynthesisError, ReasoningError) as group:
        error = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is not None:
        return Finding(check, "fail", f"{what}: {error}", f"look at {getattr(error, 'setting', '') or variable}")
    return Finding(check, "ok", f"{what} answers in {shown_ms(seconds)}")


async def _timed(check: Callable[[], Awaitable[None]]) -> float:
    began = trio.current_time()
    await check()
    return trio.current_time() - began
