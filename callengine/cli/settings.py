"""The settings that a command runs with."""

import os
import socket

from callengine.config import Settings, load_settings


def read_settings() -> Settings:
    """Settings from this process's environment; the node's name is the host's where none is given."""
    settings = load_settings(os.environ)
    return settings if settings.node_name else settings.model_copy(update={"node_name": socket.gethostname()})
