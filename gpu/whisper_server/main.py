"""The command `whisper-server`."""

import argparse
import asyncio
import logging
import sys

from whisper_server.errors import StartError
from whisper_server.server import serve
from whisper_server.settings import Settings, load_settings

_ABOUT = """\
Speech recognition with Whisper behind Google's own gRPC services, google.cloud.speech.v1.Speech and
google.cloud.speech.v2.Speech (StreamingRecognize, Recognize): any Google Speech client works against it.

When it is ready it prints one line on standard output: {"listening": "HOST:PORT", "metrics": PORT}
Health (grpc.health.v1.Health) answers SERVING from then on. SIGTERM drains and ends it.
"""


def main(argv: list[str] | None = None) -> None:
    """Run the server; exits 0 after a drain, 2 when it cannot start as it is set up."""
    parser = argparse.ArgumentParser(
        prog="whisper-server",
        description=_ABOUT,
        epilog=_settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s whisper-server %(levelname)s %(message)s")
    try:
        asyncio.run(serve(load_settings()))
    except StartError as error:
        sys.stderr.write(f"whisper-server: {error}\n")
        sys.exit(2)


def _settings_help() -> str:
    lines = ["environment:"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default in ("", 0, False) else f" [{field.default}]"
        lines.append(f"  WHISPER_{name.upper():<17} {field.description}{default}")
    lines += ["", "a first try, on this machine:", "  WHISPER_LISTEN=127.0.0.1:8443 whisper-server"]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
