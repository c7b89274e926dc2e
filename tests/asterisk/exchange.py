"""A second Asterisk as the far side: callers by real SIP and RTP for the price of C; telephones in Python are dear.

It is the layer's Asterisk with a trunk to the first one. Its callers do what [callers] says: they play recordings
without listening, paced by Asterisk itself, not by the process of the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import trio

from tests.asterisk import alaw
from tests.asterisk.alaw import Samples
from tests.asterisk.callers import PATIENCE_SECONDS, originate
from tests.asterisk.instance import Pbx, take_slot

LOOK_SECONDS = 0.25
TRUNK = """
[shop]
type = endpoint
transport = udp
context = people
disallow = all
allow = alaw
direct_media = no
media_address = 127.0.0.1
bind_rtp_to_media_address = yes
aors = shop
[shop]
type = aor
contact = sip:127.0.0.1:{port}
"""


@contextmanager
def open_exchange(pbx: Pbx, folder: Path) -> Iterator[Pbx]:
    """An Asterisk with a trunk to `pbx`, whose files are in `folder`."""
    ports, slot = take_slot()
    with slot:
        exchange = Pbx(pbx.installation, folder, ports)
        exchange.configure()
        with (folder / "etc" / "pjsip.conf").open("a") as file:
            file.write(TRUNK.format(port=pbx.ports.sip))
        with exchange.running():
            yield exchange


async def call_through(ari: httpx.AsyncClient, uuid: UUID, **variables: str) -> None:
    """Start a caller of the exchange's (`ari` is its own) who dials the agent. Variables are those of [callers]."""
    await originate(ari, "PJSIP/100@shop", {"PJSIP_HEADER(add,X-Call-UUID)": str(uuid), **variables})


async def until_all_have_left(ari: httpx.AsyncClient) -> int:
    """Wait until no caller is left; returns how many were talking at once."""
    most = 0
    with trio.fail_after(2 * PATIENCE_SECONDS):
        while channels := (await ari.get("/channels")).raise_for_status().json():
            most = max(most, sum(channel["state"] == "Up" for channel in channels))
            await trio.sleep(LOOK_SECONDS)
    return most


def write_recording(file: Path, samples: Samples) -> str:
    """Samples that have been through A-law as what the exchange plays unchanged; returns what Playback() wants."""
    file.with_suffix(".alaw").write_bytes(alaw.encode(samples))
    return str(file.with_suffix(""))
