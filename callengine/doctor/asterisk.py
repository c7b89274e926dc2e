"""The Asterisk that sends us its calls, asked by ARI and by AMI: who it is, what it has loaded, what its dialplan does.

With ARI alone the dialplan cannot be read, with AMI alone modules may not; what could not be looked at is said."""

from callengine.doctor import dialplan, modules, versions
from callengine.doctor.asterisk_http import ask_ami, ask_ari, json_of, open_ami, open_ari, place_of
from callengine.doctor.checkup import Patient
from callengine.doctor.findings import FaultError, Finding

ARI = "asterisk ARI"
AMI = "asterisk AMI"
NOT_GIVEN = "not given: nothing to look at"
READS_DIALPLAN = "in manager.conf: read = call,reporting and write = call,reporting; then in Asterisk: manager reload"


async def look_at_ari(patient: Patient) -> list[Finding]:
    """Credentials, version, modules."""
    settings = patient.settings
    if not settings.asterisk_ari_url:
        mend = "set ASTERISK_ARI_URL and a user of ARI and of AMI to have Asterisk looked at (docker/asterisk)"
        return [Finding(ARI, "warn", f"ASTERISK_ARI_URL is {NOT_GIVEN}", mend)]
    if not settings.asterisk_ari_user:
        mend = "set ASTERISK_ARI_USER and ASTERISK_ARI_PASSWORD, a section of ari.conf"
        return [Finding(ARI, "warn", f"ASTERISK_ARI_USER is {NOT_GIVEN}", mend)]
    async with open_ari(settings) as client:
        info = json_of(client, await ask_ari(client, "GET", "asterisk/info", only="system"))
        found = [Finding(ARI, "ok", f"{place_of(client)} knows user {settings.asterisk_ari_user}")]
        found.append(versions.judge_version(str(info["system"]["version"])))
        listed = json_of(client, await ask_ari(client, "GET", "asterisk/modules"))
        running = [module["name"] for module in listed if module["status"] == "Running"]
    return [*found, *modules.judge_modules(running)]


async def look_at_ami(patient: Patient) -> list[Finding]:
    """Credentials, the version where ARI does not tell it, the dialplan's mistakes."""
    settings = patient.settings
    if not settings.asterisk_ari_url:
        return []
    if not settings.asterisk_ami_user:
        mend = "set ASTERISK_AMI_USER and ASTERISK_AMI_PASSWORD, a section of manager.conf"
        return [Finding(AMI, "warn", "ASTERISK_AMI_USER is not given: the dialplan cannot be read", mend)]
    async with open_ami(settings) as client:
        found = [Finding(AMI, "ok", f"{place_of(client)} knows user {settings.asterisk_ami_user}")]
        if not settings.asterisk_ari_user:
            core = (await ask_ami(client, "CoreSettings"))[0]
            found.append(versions.judge_version(core.get("AsteriskVersion", "of unknown version")))
        listed = await ask_ami(client, "ShowDialPlan")
    return [*found, *dialplan.judge_dialplan(steps_of(listed))]


def steps_of(listed: list[dict[str, str]]) -> list[dialplan.Step]:
    """The steps of AMI's ShowDialPlan. Raises FaultError where it may not be asked."""
    if listed[0].get("Response") != "Success":
        raise FaultError(f"AMI does not show the dialplan: {listed[0].get('Message', 'no answer')}", READS_DIALPLAN)
    return [
        dialplan.Step(
            step["Context"], step["Extension"], int(step["Priority"]), step["Application"], step.get("AppData", "")
        )
        for step in listed
        if "Application" in step and step.get("Priority", "").isdecimal()
    ]
