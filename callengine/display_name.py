"""A caller's name as their telephone meant it. Pure.

SIP writes a name in quotes, and a quotation mark or a backslash inside it behind a backslash (RFC 3261, 25.1,
quoted-pair). Asterisk's chan_pjsip takes the quotes away and leaves the pairs (22.10.1): CALLERID(name), ARI and AMI
have them."""

import re

QUOTED_PAIR = re.compile(r"\\(.?)", re.DOTALL)  # without a second half: cut off in its middle


def display_name(name: str, channel: str) -> str:
    """The name of a channel's caller, without the backslashes that SIP put there; another channel's is as it is."""
    return QUOTED_PAIR.sub(r"\1", name) if channel.startswith("PJSIP/") else name
