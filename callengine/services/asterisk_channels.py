"""Asterisk's channels, as ARI and AMI list them, and which of them a call is. Pure.

A call's channel is the one that is in `AudioSocket(UUID,…)`, or in `Dial(AudioSocket/host:port/UUID…)`. Variables do
not tell: both halves of a Local channel carry the same, and only one of them is in the application."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from callengine.display_name import display_name

ESCAPED = re.compile(r'\\(["\\])')  # AMI writes a quotation mark inside a name as \"


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel: what it is called (`id` is AMI's Uniqueid), who calls, and what it is doing."""

    id: str
    name: str
    number: str
    caller_name: str
    exten: str
    app: str
    data: str


def channel_of_call(channels: Iterable[Channel], call_id: str) -> Channel | None:
    """The channel that carries a call's audio, or None."""
    wanted = call_id.lower()
    for channel in channels:
        data = channel.data.lower()
        if channel.app == "AudioSocket" and data.startswith(wanted):
            return channel
        if channel.app == "Dial" and f"/{wanted}" in data:
            return channel
    return None


def channel_of_json(item: Mapping[str, Any]) -> Channel:
    """A channel of `GET /ari/channels`. Raises KeyError, TypeError for what is none."""
    caller, doing = item["caller"], item["dialplan"]
    app, data = str(doing.get("app_name", "")), str(doing.get("app_data", ""))
    name = display_name(caller["name"], item["name"])
    return Channel(item["id"], item["name"], caller["number"], name, doing["exten"], app, data)


def channels_of_events(text: str) -> list[Channel]:
    """The channels of AMI's `CoreShowChannels`: blocks of `Name: value` lines."""
    blocks = (fields_of(block) for block in text.split("\r\n\r\n"))
    return [
        Channel(
            block.get("Uniqueid", ""),
            block.get("Channel", ""),
            block.get("CallerIDNum", ""),
            display_name(ESCAPED.sub(r"\1", block.get("CallerIDName", "")), block.get("Channel", "")),
            block.get("Exten", ""),
            block.get("Application", ""),
            block.get("ApplicationData", ""),
        )
        for block in blocks
        if block.get("Event") == "CoreShowChannel"
    ]


def fields_of(block: str) -> dict[str, str]:
    """One block of AMI's answer as a dictionary; of a repeated name the last."""
    pairs = (line.partition(": ") for line in block.splitlines())
    return {name: value for name, separator, value in pairs if separator}
