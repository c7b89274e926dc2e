#!/bin/sh
# Makes one Cluster of the nodes named here (address:port), half of them replicas. A Cluster that is there is left alone, so
# this may run at each start.
set -eu
REDISCLI_AUTH=$(cat "${REDIS_PASSWORD_FILE:-/run/secrets/redis_password}")
export REDISCLI_AUTH

ask() { # ADDRESS:PORT COMMAND ...
    at=$1
    shift
    redis-cli -h "${at%:*}" -p "${at##*:}" "$@" | tr -d '\r'
}
says() { ask "$1" CLUSTER INFO | sed -n "s/^$2://p"; }

begun=
for node in "$@"; do
    if [ "$(says "$node" cluster_known_nodes)" != 1 ]; then begun=$node; fi
done
if [ -z "$begun" ]; then
    redis-cli --cluster create "$@" --cluster-replicas 1 --cluster-yes
    begun=$1
fi

tries=0
until [ "$(says "$begun" cluster_state)" = ok ] && [ "$(says "$begun" cluster_slots_assigned)" = 16384 ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 30 ]; then
        echo "the Cluster is not whole; see: redis-cli --cluster check $begun" >&2
        exit 1
    fi
    sleep 1
done
echo "the Cluster of $(says "$begun" cluster_known_nodes) nodes has all its slots"
