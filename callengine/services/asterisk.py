"""The control path to a real Asterisk: ARI, AMI over HTTP, or both, on Asterisk's one HTTP server.

A transfer goes by AMI Redirect where there is an AMI user, else by a global variable through ARI; the dialplan's part
is in docker/asterisk."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx
import trio

from callengine.errors import ConfigError, ServiceError
from callengine.ports.control import Control, Destination, Transferred
from callengine.ports.tools import CallerContext
from callengine.services import asterisk_ami as ami
from callengine.services import asterisk_ari as ari
from callengine.services.asterisk_channels import Channel, channel_of_call
from callengine.services.no_control import NoControl

DEADLINE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Access:
    """How Asterisk may be asked: the address of its HTTP server (with or without `/ari`), and a user of ARI or AMI."""

    url: str = ""
    ari_user: str = ""
    ari_password: str = ""
    ami_user: str = ""
    ami_password: str = ""


class AsteriskControl:
    """The Control port. At least one of `ari_client` and `ami_user` is there."""

    def __init__(self, ari_client: httpx.AsyncClient | None, ami_user: ami.Ami | None, deadline_seconds: float) -> None:
        self._ari = ari_client
        self._ami = ami_user
        self._deadline_seconds = deadline_seconds

    async def check(self) -> None:
        """Use every way once; see the port."""
        with _within(self._deadline_seconds):
            if self._ari is not None:
                await ari.check_ari(self._ari)
            if self._ami is not None:
                await ami.check_ami(self._ami)

    async def transfer(self, call_id: str, destination: Destination) -> Transferred:
        """Move the channel, or leave word for the dialplan in the global `TRANSFER_<call_id>`; see the port."""
        with self._in_call():
            if self._ami is not None:
                channel = await self._find(call_id)
                if channel is None:
                    raise ServiceError("Asterisk has no channel in AudioSocket() or Dial() with this call's UUID")
                await ami.redirect(self._ami, channel, destination.place)
                return "moved"
            assert self._ari is not None
            await ari.set_global(self._ari, f"TRANSFER_{call_id}", destination.word)
        return "told"

    async def hang_up(self, call_id: str) -> bool:
        """End the channel; see the port."""
        with self._in_call():
            channel = await self._find(call_id)
            if channel is None:
                return False
            if self._ari is not None:
                return await ari.end_channel(self._ari, channel)
            if self._ami is not None:
                await ami.drop_channel(self._ami, channel)
        return True

    async def find_caller(self, call_id: str) -> CallerContext | None:
        """Number and name of the channel's caller, and what was dialled; see the port."""
        with self._in_call():
            channel = await self._find(call_id)
            if channel is None:
                return None
            dialled = ""
            if self._ari is not None:
                dialled = await ari.read_variable(self._ari, channel, "CALLERID(dnid)")
            called = dialled or channel.exten
            return CallerContext(call_id, "", channel.number, channel.caller_name, called, channel.name)

    async def _find(self, call_id: str) -> Channel | None:
        if self._ari is not None:
            return channel_of_call(await ari.read_channels(self._ari), call_id)
        assert self._ami is not None
        return channel_of_call(await ami.list_channels(self._ami), call_id)

    @contextmanager
    def _in_call(self) -> Iterator[None]:
        """A user who was refused when the engine started is a wrong setting; in a call it is one more fault."""
        try:
            with _within(self._deadline_seconds):
                yield
        except ConfigError as error:
            raise ServiceError(str(error)) from None


@asynccontextmanager
async def open_control(access: Access, *, deadline_seconds: float = DEADLINE_SECONDS) -> AsyncIterator[Control]:
    """The control path that `access` allows; none at all where it is empty. Nothing is asked of Asterisk yet.

    Raises ConfigError for what cannot be used together."""
    check_access(access)
    if not access.url:
        yield NoControl()
        return
    base = base_of(access.url)
    async with AsyncExitStack() as stack:
        ari_client = ami_user = None
        if access.ari_user:
            ari_client = await stack.enter_async_context(open_http(base, (access.ari_user, access.ari_password)))
        if access.ami_user:
            client = await stack.enter_async_context(open_http(base, None))
            ami_user = ami.Ami(client, access.ami_user, access.ami_password, trio.Lock())
        yield AsteriskControl(ari_client, ami_user, deadline_seconds)


def check_access(access: Access) -> None:
    """Raise ConfigError naming the first variable that is wrong or missing."""
    for name, user, password in (
        ("ARI", access.ari_user, access.ari_password),
        ("AMI", access.ami_user, access.ami_password),
    ):
        if user and not access.url:
            raise ConfigError("ASTERISK_ARI_URL", f"is not set, but ASTERISK_{name}_USER is; like http://asterisk:8088")
        if user and not password:
            raise ConfigError(f"ASTERISK_{name}_PASSWORD", f"is not set, but ASTERISK_{name}_USER is")
        if password and not user:
            raise ConfigError(f"ASTERISK_{name}_USER", f"is not set, but ASTERISK_{name}_PASSWORD is")
        if ":" in user:
            raise ConfigError(f"ASTERISK_{name}_USER", "holds a colon, which no user of Asterisk's HTTP server may")
    if not access.url:
        return
    if not (access.ari_user or access.ami_user):
        raise ConfigError("ASTERISK_ARI_USER", "is not set, but ASTERISK_ARI_URL is (ASTERISK_AMI_USER would do too)")
    try:
        url = httpx.URL(access.url)
    except httpx.InvalidURL as error:
        raise ConfigError("ASTERISK_ARI_URL", f"is not a URL: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigError("ASTERISK_ARI_URL", "must be http:// or https:// and a host, like http://asterisk:8088")
    if url.userinfo or url.query or url.fragment:
        raise ConfigError("ASTERISK_ARI_URL", "is an address only; the user goes into ASTERISK_ARI_USER")


def base_of(url: str) -> str:
    """The address of Asterisk's HTTP server; the setting may end in `/ari`."""
    return url.rstrip("/").removesuffix("/ari")


def open_http(base: str, auth: tuple[str, str] | None) -> httpx.AsyncClient:
    """A client of that server, for ARI's user or, without one, for AMI."""
    # Asterisk stands on the LAN: no proxy of the environment is asked. The deadline around a use is the only one.
    return httpx.AsyncClient(base_url=base, auth=auth, trust_env=False, timeout=None)  # noqa: S113


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    try:
        with trio.fail_after(seconds):
            yield
    except trio.TooSlowError:
        raise ServiceError(f"Asterisk has not answered within {seconds:.0f} s") from None
