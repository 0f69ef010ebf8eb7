#!/usr/bin/env bash
# Submits a project to Warren and waits for its result, with Debian's amqp-tools alone.
# usage: AMQP_URL=amqp://user:password@host/vhost publish.sh PLAYBOOK INPUT_JSON
set -euo pipefail
playbook=$1 input=$2
user=$(sed -E 's|^amqps?://([^:@/]*).*|\1|' <<<"$AMQP_URL")
id=$(cat /proc/sys/kernel/random/uuid)
reply_to="reply.$user--${id:0:8}"

heard=$(mktemp)
finish() { kill "$listener" 2>/dev/null || true; rm -f "$heard" "$heard.log"; }
trap finish EXIT

# A queue of our own, bound to our own key. `awk 1` makes each reply one line.
amqp-consume --url "$AMQP_URL" --exchange warren.replies --routing-key "$reply_to" \
    awk 1 >"$heard" 2>"$heard.log" &
listener=$!

submit() {
    printf '{"id": "%s", "playbook": "%s", "input": %s}' "$id" "$playbook" "$input" |
        amqp-publish --url "$AMQP_URL" --exchange warren.ingress --routing-key "project.$playbook" \
            --content-type application/json --persistent --reply-to "$reply_to"
}

# The same id is the same project, and whoever submits a project that has ended hears its end again. So sending again
# makes good whatever was said before the listener was there, or while the connection was gone.
for _ in $(seq 60); do
    submit
    for _ in $(seq 20); do
        if grep -q '"kind":"rejected"' "$heard"; then grep -m 1 '"kind":"rejected"' "$heard" >&2; exit 1; fi
        if answer=$(grep -m 1 '"kind":"finished"' "$heard"); then
            printf '%s\n' "$answer"
            grep -q '"outcome":{"status":"succeeded"' <<<"$answer"
            exit
        fi
        kill -0 "$listener" 2>/dev/null || { cat "$heard.log" >&2; exit 1; }
        sleep 0.1
    done
done
echo "no result within two minutes; the project $id goes on" >&2
exit 1
