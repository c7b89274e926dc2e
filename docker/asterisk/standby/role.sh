#!/bin/sh
# This machine's part: `role.sh master` where it holds the shop's address, `role.sh backup` where the other one does.
# keepalived calls it, or a person who does its work (docs/operations/asterisk-recovery.md).
#
# Only the active machine registers with the provider: two at once would each get calls. pjsip.conf has
# `#tryinclude local/registrations.conf`; registrations.conf, the same on both, is put there or taken away. So a standby that
# is restarted stays silent. What is taken away Asterisk unregisters.
set -eu
etc=${ASTERISK_ETC:-/etc/asterisk}
role=${1:-}

case $role in
master | backup | fault) ;;
*)
    echo "role.sh: master, backup or fault is wanted, not '$role'" >&2
    exit 2
    ;;
esac

mkdir -p "$etc/local"
if [ "$role" = master ] && [ -e "$etc/registrations.conf" ]; then
    cp "$etc/registrations.conf" "$etc/local/registrations.conf.new"
else
    echo "; $role: this machine registers nowhere" >"$etc/local/registrations.conf.new"
fi
mv "$etc/local/registrations.conf.new" "$etc/local/registrations.conf"
echo "$role" >"${ROLE_FILE:-/run/callengine-asterisk-role}"

# One that is not running reads it when it starts.
if ${ASTERISK:-asterisk} -rx 'core show uptime' >/dev/null 2>&1; then
    ${ASTERISK:-asterisk} -rx 'module reload res_pjsip_outbound_registration.so' >/dev/null
fi
