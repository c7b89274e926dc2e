"""What a command imports: no more than it runs with. Each in a process of its own, as it is started."""

import subprocess
import sys

SERVERS = {"fastapi", "hypercorn", "onnxruntime", "callengine.app"}
CLIENTS = {"httpx", "redis", "psycopg", "prometheus_client", "yoyo", "obstore"}
OF_ONE_BACKEND = {"grpc", "google.auth", "google.cloud.speech_v2", "anthropic", "httpx2", "espeakng_loader"}
OF_WHISPER_SERVER = {"ctranslate2", "faster_whisper", "whisper_server"}


def imported(program: str, status: int = 0) -> set[str]:
    """The modules that a program has imported when it ends."""
    tell = "import atexit, sys; atexit.register(lambda: print(*sys.modules))"
    ended = subprocess.run([sys.executable, "-c", f"{tell}\n{program}"], capture_output=True, text=True, check=False)
    assert ended.returncode == status, ended.stderr
    return set(ended.stdout.splitlines()[-1].split())


def of_command(*words: str) -> str:
    """A program that is `callengine WORDS`."""
    return f"import sys; sys.argv = {['callengine', *words]}; from callengine.cli.main import main; main()"


def test_help_imports_no_command() -> None:
    ours = {name for name in imported(of_command("--help")) if name.partition(".")[0] in ("callengine", "backends")}
    assert ours == {"callengine", "callengine.cli", "callengine.cli.main", "callengine.errors"}


def test_a_caller_imports_nothing_of_the_engine() -> None:
    modules = imported(of_command("call", "--help"))
    assert "callengine.cli.call" in modules
    assert not modules & (SERVERS | CLIENTS | OF_ONE_BACKEND | OF_WHISPER_SERVER | {"callengine.config"})
    assert not {name for name in modules if name.startswith("callengine.cli.")} - {
        "callengine.cli.call",
        "callengine.cli.main",
    }


def test_commands_beside_the_engine_do_not_import_it() -> None:
    names = ("backup", "check", "demo", "doctor", "evaluate", "forget", "load", "migrate", "restore")
    modules = imported(f"import {', '.join(f'callengine.cli.{name}' for name in names)}")
    assert not modules & (SERVERS | OF_ONE_BACKEND | OF_WHISPER_SERVER)


def test_a_wrong_setting_is_told_before_the_engine_is_imported() -> None:
    modules = imported(f"import os; os.environ['MAX_CALLS'] = 'x'\n{of_command('serve')}", status=2)
    assert not modules & (SERVERS | CLIENTS - {"prometheus_client"} | OF_ONE_BACKEND)


def test_an_engine_imports_the_backends_that_are_chosen() -> None:
    program = """
import callengine.cli.serve, callengine.app
from callengine.plugins import load_backend
for group in ("stt", "tts", "dialog"):
    load_backend(f"callengine.{group}", "scripted")
"""
    modules = imported(program)
    assert {f"backends.{group}.scripted" for group in ("stt", "tts", "dialog")} <= modules
    assert not modules & (OF_ONE_BACKEND | OF_WHISPER_SERVER)
