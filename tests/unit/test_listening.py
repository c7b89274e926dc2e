"""A port is taken first and opened later; where it cannot be, the setting is named."""

import socket

import pytest

from callengine.errors import ConfigError
from callengine.listening import bound_socket, listen, shown_address


def test_a_bound_port_is_closed_until_it_is_opened() -> None:
    with bound_socket("API", "127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        listen("API", listener)
        socket.create_connection(address).close()
        assert shown_address(listener) == f"127.0.0.1:{address[1]}"


def test_a_taken_port_is_a_setting_that_cannot_be_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        problem = rf"^API_PORT: cannot listen on 127.0.0.1:{port}: Address already in use \(another engine\?\)$"
        with pytest.raises(ConfigError, match=problem):
            bound_socket("API", "127.0.0.1", port)


def test_of_two_that_took_a_port_the_second_to_open_it_is_told() -> None:
    with bound_socket("AUDIOSOCKET", "127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with bound_socket("AUDIOSOCKET", "127.0.0.1", port) as second:
            listen("AUDIOSOCKET", first)
            with pytest.raises(ConfigError, match=rf"^AUDIOSOCKET_PORT: cannot listen on 127.0.0.1:{port}: Address al"):
                listen("AUDIOSOCKET", second)


def test_a_host_that_is_not_ours_is_a_setting_that_cannot_be_used() -> None:
    with pytest.raises(ConfigError, match=r"^API_HOST: 'no-such-host.invalid' is no address of this machine: "):
        bound_socket("API", "no-such-host.invalid", 0)
    with pytest.raises(ConfigError, match=r"^API_HOST: cannot listen on 192.0.2.1:0: Cannot assign"):
        bound_socket("API", "192.0.2.1", 0)


def test_a_name_with_both_kinds_of_address_is_taken_as_ipv4() -> None:
    with bound_socket("API", "localhost", 0) as listener:
        assert listener.family == socket.AF_INET


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6_is_shown_in_brackets() -> None:
    with bound_socket("API", "::1", 0) as listener:
        assert shown_address(listener).startswith("[::1]:")
