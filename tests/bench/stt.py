"""`make bench-stt`: whisper-server against faster-whisper as it comes, streams at once in real time, as tables.

Every caller speaks recorded prompts at 8 kHz, seconds of silence between them, in Russian and English by turns. The
time to a final runs from the end of speech, as Silero finds it and back-dated, to the final in the client's hands;
of the peers (`tests.bench.stt_peers`), to the return of the decode. A system holds so many streams while p95 is at
most 2.5 s and no final is missing. Words are compared in lower case and without punctuation.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc.aio
import jiwer
from google.cloud.speech_v2.types import cloud_speech
from rich.console import Console
from rich.table import Table
from whisper_server.model_files import default_cache

from tests.bench.machine import told_machine
from tests.bench.stt_lines import RATE, SENSITIVITY, Caller, callers
from tests.bench.stt_peers import GRACE_SECONDS
from tests.bench.stt_server import PARTS
from tests.google_clients import config_v2, opening_v2, plain

Request: Any = cloud_speech.StreamingRecognizeRequest.pb()
Response: Any = cloud_speech.StreamingRecognizeResponse.pb()
METHOD = "/google.cloud.speech.v2.Speech/StreamingRecognize"
CHUNK = RATE // 10
HELD_SECONDS = 2.5
ENDPOINTING = {"STANDARD": 1, "SUPERSHORT": 2, "SHORT": 3}
SYSTEMS = ("ours", "workers", "cut", "plain")
console = Console(width=110)


async def stream(channel: grpc.aio.Channel, caller: Caller, began: float) -> dict[str, Any]:
    """Speak one caller's line in real time; return its text and the seconds to each final."""
    config = config_v2(language=caller.language)
    opening = opening_v2(config, interim_results=True, endpointing_sensitivity=ENDPOINTING[SENSITIVITY])
    rpc: Any = channel.stream_stream(METHOD, Request.SerializeToString, Response.FromString)
    call = rpc(timeout=len(caller.samples) / RATE + GRACE_SECONDS)
    result: dict[str, Any] = {"text": "", "waits": [None] * len(caller.spoken), "interims": 0}
    speaking = asyncio.create_task(_speak(call, opening, caller, began))
    try:
        async for response in call:
            _take(response, caller, began, result)
    except grpc.aio.AioRpcError as error:
        result["error"] = error.code().name
    finally:
        speaking.cancel()
    return result


async def _speak(call: Any, opening: Any, caller: Caller, began: float) -> None:
    await call.write(type(opening).pb(opening))
    loop = asyncio.get_running_loop()
    for start in range(0, len(caller.samples), CHUNK):
        await asyncio.sleep(began + (start + CHUNK) / RATE - loop.time())
        await call.write(Request(audio=caller.samples[start : start + CHUNK].tobytes()))
    await call.done_writing()


def _take(response: Any, caller: Caller, began: float, result: dict[str, Any]) -> None:
    now = asyncio.get_running_loop().time()
    for said in response.results:
        if not said.is_final:
            result["interims"] += 1
            continue
        result["text"] += said.alternatives[0].transcript
        end = said.result_end_offset.ToTimedelta().total_seconds() * RATE
        number = min(range(len(caller.spoken)), key=lambda n: abs(caller.spoken[n].end - end))
        result["waits"][number] = now - began - caller.spoken[number].at / RATE


async def _all_streams(address: str, lines: list[Caller]) -> list[dict[str, Any]]:
    async with grpc.aio.insecure_channel(address) as channel:
        await channel.channel_ready()
        began = asyncio.get_running_loop().time() + 0.5
        return list(await asyncio.gather(*(stream(channel, caller, began) for caller in lines)))


@contextmanager
def server(model: list[str], missing: list[str]) -> Iterator[str]:
    """Run whisper-server without the missing parts; give its address."""
    device, name, compute_type = model
    settings = {
        "WHISPER_LISTEN": "127.0.0.1:0",
        "WHISPER_METRICS_PORT": "off",
        "WHISPER_MAX_STREAMS": "256",
        "WHISPER_DEVICE": device,
        "WHISPER_MODEL": name,
        "WHISPER_COMPUTE_TYPE": compute_type,
        "WHISPER_CACHE": str(default_cache()),
        "WHISPER_DRAIN_SECONDS": "0",
        "WHISPER_EXIT_WITH_PARENT": "on",
    }
    command = [sys.executable, "-m", "tests.bench.stt_server", *missing]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, env=os.environ | settings, **pipes) as process:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["listening"])
        process.terminate()


def ours(model: list[str], lines: list[Caller], missing: list[str]) -> list[dict[str, Any]]:
    """Return each stream's result of whisper-server."""
    with server(model, missing) as address:
        return asyncio.run(_all_streams(address, lines))


def peer(kind: str, model: list[str], streams: int, seconds: float) -> list[dict[str, Any]]:
    """Return each stream's result of faster-whisper in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.stt_peers", kind, str(streams), str(seconds), *model]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


def row(name: str, lines: list[Caller], results: list[dict[str, Any]]) -> list[str]:
    """Return the cells of one run."""
    waits = [wait for result in results for wait in result["waits"]]
    in_time = sorted(wait for wait in waits if wait is not None)
    # A final that never came is later than any other.
    every = in_time + [float("inf")] * (len(waits) - len(in_time))
    p50, p95 = (every[min(int(len(every) * share), len(every) - 1)] for share in (0.5, 0.95))
    texts = [plain(caller.text) for caller in lines], [plain(result["text"]) for result in results]
    wrong = jiwer.wer(*texts)
    held = "yes" if p95 <= HELD_SECONDS and len(in_time) == len(waits) else "no"
    interims = sum(result.get("interims", 0) for result in results)
    return [
        name,
        str(len(lines)),
        f"{len(in_time)}/{len(waits)}",
        f"{p50:.2f}",
        f"{p95:.2f}",
        held,
        f"{100 * wrong:.1f}",
        str(interims),
    ]


def table(title: str) -> Table:
    """Return an empty table of runs."""
    shown = Table(title=title)
    for name in ("system", "streams", "finals", "p50 s", "p95 s", f"p95 ≤ {HELD_SECONDS}", "WER %", "interims"):
        shown.add_column(name, justify="left" if name == "system" else "right")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stt", description=__doc__)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each caller's line [60]")
    parser.add_argument("--systems", nargs="+", default=SYSTEMS, choices=SYSTEMS)
    parser.add_argument("--ablation", type=int, default=4, help="streams at once in the ablation; 0: none [4]")
    parser.add_argument("--model", nargs=3, default=["cpu", "base", "int8"], metavar=("DEVICE", "NAME", "COMPUTE_TYPE"))
    chosen = parser.parse_args()
    console.print(f"{told_machine()}; {chosen.model}")
    runs = table("Streams at once in real time")
    for count in chosen.streams:
        lines = callers(count, chosen.seconds)
        for system in chosen.systems:
            one = system == "ours"
            results = ours(chosen.model, lines, []) if one else peer(system, chosen.model, count, chosen.seconds)
            runs.add_row(*row(system, lines, results))
    console.print(runs)
    if chosen.ablation:
        parts = table("whisper-server without one of its parts")
        lines = callers(chosen.ablation, chosen.seconds)
        for missing in ((), *((part,) for part in PARTS)):
            results = ours(chosen.model, lines, list(missing))
            parts.add_row(*row(f"without {missing[0]}" if missing else "whole", lines, results))
        console.print(parts)


if __name__ == "__main__":
    main()
