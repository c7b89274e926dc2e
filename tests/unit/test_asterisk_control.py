"""The control path where something is wrong: a channel that is not there, refusals, silence, nonsense, settings."""

from uuid import UUID

import pytest

from callengine.errors import ConfigError, ServiceError
from callengine.ports.control import Control, Destination, Place
from callengine.services.asterisk import Access, base_of, check_access, open_control
from callengine.services.asterisk_channels import Channel, channel_of_call
from tests.asterisk_http import Fault, open_asterisk_http

CALL = "7d0c5a3e-2f4b-4a7e-9a51-3f1f1b7e6c10"  # fixed, as are all ids of tests: workers compare them
PEOPLE = Destination("people", Place("callengine-transfer", "people", 1))
URL = "http://asterisk:8088/ari"


@pytest.mark.parametrize("url", ["http://asterisk:8088", "http://asterisk:8088/", URL, URL + "/"])
def test_the_address_may_be_that_of_the_server_or_of_ari(url: str) -> None:
    assert base_of(url) == "http://asterisk:8088"


def channel(app: str, data: str, id_: str = "1.1") -> Channel:
    return Channel(id_, "PJSIP/7", "100", "", "s", app, data)


async def every_use(control: Control) -> list[str]:
    """What each use says is wrong."""
    problems = []
    for use in (control.transfer(CALL, PEOPLE), control.hang_up(CALL), control.find_caller(CALL)):
        with pytest.raises(ServiceError) as caught:
            await use
        problems.append(str(caught.value))
    assert all("\n" not in problem for problem in problems)
    return problems


@pytest.mark.parametrize(
    ("app", "data", "found"),
    [
        ("AudioSocket", f"{CALL},10.0.0.1:9092", True),
        ("AudioSocket", f"{CALL.upper()},10.0.0.1:9092", True),
        ("AudioSocket", f"{UUID(int=1)},10.0.0.1:9092", False),
        ("Dial", f"AudioSocket/10.0.0.1:9092/{CALL}/c(slin16),,g", True),
        ("Dial", f"AudioSocket/10.0.0.1:9092/{CALL}", True),
        ("Dial", "PJSIP/operator,20,g", False),
        ("AppDial", f"AudioSocket/10.0.0.1:9092/{CALL}", False),
        ("Verbose", f"1,{CALL}", False),
    ],
)
def test_the_channel_of_a_call(app: str, data: str, found: bool) -> None:
    other = channel("Wait", CALL, "1.0")
    assert channel_of_call([other, channel(app, data)], CALL) == (channel(app, data) if found else None)


@pytest.mark.parametrize("ami", [False, True])
@pytest.mark.parametrize(("fault", "part"), [("error", "answers 500"), ("silent", "within 0 s"), ("nonsense", "")])
async def test_what_asterisk_does_wrong_is_one_service_error(fault: Fault, part: str, ami: bool) -> None:
    async with open_asterisk_http() as asterisk:
        asterisk.fault = fault
        deadline = 0.05 if fault == "silent" else 60
        async with open_control(asterisk.access(not ami, ami), deadline_seconds=deadline) as control:
            if fault == "nonsense" and not ami:  # a page is an answer to a write like any other
                assert await control.transfer(CALL, PEOPLE) == "told"
                with pytest.raises(ServiceError, match="no list of channels"):
                    await control.hang_up(CALL)
                return
            assert all(part in problem for problem in await every_use(control))


async def test_nobody_at_the_address() -> None:
    for user in ("ari_user", "ami_user"):
        access = Access("http://127.0.0.1:1", **{user: "u", user.replace("user", "password"): "p"})
        async with open_control(access, deadline_seconds=60) as control:
            assert all("http://127.0.0.1:1: cannot be reached" in problem for problem in await every_use(control))
            with pytest.raises(ServiceError):
                await control.check()


@pytest.mark.parametrize("kind", ["ari", "ami"])
async def test_a_refused_user_is_a_wrong_setting_at_the_start_and_a_fault_in_a_call(kind: str) -> None:
    async with open_asterisk_http() as asterisk:
        access = Access(asterisk.url, **{f"{kind}_user": "nobody", f"{kind}_password": "wrong"})
        async with open_control(access, deadline_seconds=60) as control:
            with pytest.raises(ConfigError) as caught:
                await control.check()
            assert caught.value.variable == f"ASTERISK_{kind.upper()}_PASSWORD"
            assert "wrong" not in str(caught.value)
            await every_use(control)


@pytest.mark.parametrize("ari", [False, True])
async def test_no_channel_of_the_call_and_no_such_place_are_no_redirect(ari: bool) -> None:
    async with (
        open_asterisk_http() as asterisk,
        open_control(asterisk.access(ari, True), deadline_seconds=60) as control,
    ):
        with pytest.raises(ServiceError, match="no channel"):
            await control.transfer(CALL, PEOPLE)
        asterisk.channels = [channel("AudioSocket", f"{CALL},h:9092")]
        asterisk.places.clear()
        with pytest.raises(ServiceError, match="ShowDialPlan: Did not find people@callengine-transfer"):
            await control.transfer(CALL, PEOPLE)
        assert "Redirect" not in asterisk.asked
        assert asterisk.moved == {}


async def test_the_dialled_number_goes_before_the_extension() -> None:
    async with open_asterisk_http() as asterisk, open_control(asterisk.access(), deadline_seconds=60) as control:
        asterisk.channels = [channel("AudioSocket", f"{CALL},h:9092")]
        asterisk.variables["CALLERID(dnid)"] = "+74950000000"
        found = await control.find_caller(CALL)
        assert found is not None
        assert found.called == "+74950000000"


async def test_each_use_logs_in_so_that_no_session_can_have_expired() -> None:
    async with (
        open_asterisk_http() as asterisk,
        open_control(asterisk.access(False, True), deadline_seconds=60) as control,
    ):
        asterisk.channels = [channel("AudioSocket", f"{CALL},h:9092")]
        for _ in range(2):
            await control.transfer(CALL, PEOPLE)
        one = ["Login", "CoreShowChannels", "Login", "ShowDialPlan", "Redirect"]
        assert asterisk.asked == one * 2


@pytest.mark.parametrize(
    ("access", "variable", "part"),
    [
        (Access(URL), "ASTERISK_ARI_USER", "is not set, but ASTERISK_ARI_URL is"),
        (Access(URL, "u"), "ASTERISK_ARI_PASSWORD", "is not set, but ASTERISK_ARI_USER is"),
        (Access(URL, "", "p"), "ASTERISK_ARI_USER", "is not set, but ASTERISK_ARI_PASSWORD is"),
        (Access("", "u", "p"), "ASTERISK_ARI_URL", "is not set, but ASTERISK_ARI_USER is"),
        (Access("", "", "", "u", "p"), "ASTERISK_ARI_URL", "is not set, but ASTERISK_AMI_USER is"),
        (Access(URL, "", "", "u"), "ASTERISK_AMI_PASSWORD", "is not set"),
        (Access(URL, "", "", "", "p"), "ASTERISK_AMI_USER", "is not set"),
        (Access(URL, "a:b", "p"), "ASTERISK_ARI_USER", "colon"),
        (Access("asterisk:8088", "u", "p"), "ASTERISK_ARI_URL", "must be http://"),
        (Access("http://", "u", "p"), "ASTERISK_ARI_URL", "must be http://"),
        (Access("http://a:b", "u", "p"), "ASTERISK_ARI_URL", "is not a URL"),
        (Access("http://u:p@asterisk:8088/ari", "u", "p"), "ASTERISK_ARI_URL", "an address only"),
    ],
)
def test_settings_that_cannot_be_used_together(access: Access, variable: str, part: str) -> None:
    with pytest.raises(ConfigError, match=part) as caught:
        check_access(access)
    assert caught.value.variable == variable
    assert "\n" not in str(caught.value)


def test_settings_that_can() -> None:
    both = Access(URL, "u", "p", "u", "p")
    for access in (Access(), Access(URL, "u", "p"), Access("https://a", "", "", "u", "p"), both):
        check_access(access)
