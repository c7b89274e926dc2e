#!/bin/sh
# One node of the Cluster. Its password goes into a file in memory: on a command line it would be everybody's.
set -eu
umask 077
password=$(cat "${REDIS_PASSWORD_FILE:-/run/secrets/redis_password}")
conf=${TMPDIR:-/tmp}/redis.conf
cat >"$conf" <<CONF
dir ${REDIS_DIR:-/data}
port ${REDIS_PORT:-6379}
requirepass $password
masterauth $password
cluster-enabled yes
cluster-config-file nodes.conf
# A primary that is silent for so long is replaced; calls go on from memory meanwhile.
cluster-node-timeout 2000
# A shard that is lost takes its own keys with it, not the Cluster.
cluster-require-full-coverage no
save 3600 1
maxmemory 256mb
maxmemory-policy allkeys-lru
CONF
exec redis-server "$conf" "$@"
