#!/bin/sh
# The secrets of this machine as one encrypted file that may lie in Git beside the configuration: .env and secrets/, of variant B
# docker/.env and docker/secrets/ as well, of a GPU node gpu/.env and gpu/secrets/; those of them that there are.
#   docker/backup/vault.sh seal age1…        they -> vault.age
#   docker/backup/vault.sh open key.txt      vault.age -> they, where there are none yet
# Runs in the folder of compose.yaml; needs age and tar.
set -eu

fail() {
    echo "vault.sh: $1" >&2
    exit "$2"
}

[ $# = 2 ] || fail "say 'seal age1…' or 'open key.txt'" 2
command -v age >/dev/null || fail "age is not installed: apt install age" 2
umask 077
trap 'rm -f vault.tar vault.age.new' EXIT

case $1 in
seal)
    [ -f .env ] || [ -f docker/.env ] || [ -f gpu/.env ] ||
        fail "there is no .env here, in docker/ or in gpu/: run it in the folder of compose.yaml" 2
    recipient=$2
    set --
    for each in .env secrets docker/.env docker/secrets gpu/.env gpu/secrets; do
        [ ! -e "$each" ] || set -- "$@" "$each"
    done
    tar -c -f vault.tar "$@"
    age --encrypt --recipient "$recipient" --output vault.age.new vault.tar || fail "nothing was sealed" 1
    mv vault.age.new vault.age
    echo "vault.age is made of $*: git add -f vault.age"
    ;;
open)
    age --decrypt --identity "$2" --output vault.tar vault.age || fail "vault.age was not opened" 1
    # What a clone of the repository brings is there in any case, and the same.
    tar -t -f vault.tar | while IFS= read -r each; do
        case $each in
        */ | secrets/README.md) ;;
        *) [ ! -e "$each" ] || fail "there is $each already: move it away first" 2 ;;
        esac
    done
    tar -x -p -f vault.tar
    echo "the secrets are back"
    ;;
*)
    fail "say 'seal age1…' or 'open key.txt'" 2
    ;;
esac
