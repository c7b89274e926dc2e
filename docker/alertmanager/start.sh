#!/bin/sh
# Alertmanager reads no environment: what .env says of Telegram is put into its configuration here. Without a token and a
# chat it runs all the same, with its page alone, and says so.
set -eu
source=${0%/*}
folder=${TMPDIR:-/tmp}
token=${TELEGRAM_TOKEN_FILE:-/secrets/telegram_bot_token}
receiver=telegram
if ! [ -s "$token" ] || [ -z "${TELEGRAM_CHAT_ID:-}" ]; then
    echo "no alert will reach Telegram: put the bot's token into $token and set TELEGRAM_CHAT_ID" >&2
    receiver=nobody
    TELEGRAM_CHAT_ID=1
fi
case $TELEGRAM_CHAT_ID in
*[!0-9-]*)
    echo "TELEGRAM_CHAT_ID: a number is wanted, for a group -1001234567890 (it is '$TELEGRAM_CHAT_ID')" >&2
    exit 2
    ;;
esac
cp "$source"/*.tmpl "$folder"
sed -e "s|chat_id: 1\$|chat_id: $TELEGRAM_CHAT_ID|" \
    -e "s|/secrets/telegram_bot_token|$token|" \
    -e "s|^  receiver: telegram|  receiver: $receiver|" \
    -e "s|https://api.telegram.org|${TELEGRAM_API_URL:-https://api.telegram.org}|" \
    "$source/alertmanager.yml" >"$folder/alertmanager.yml"
exec alertmanager --config.file="$folder/alertmanager.yml" --storage.path="${ALERTMANAGER_DATA:-/alertmanager}" \
    --cluster.listen-address= "$@"
