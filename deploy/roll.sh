#!/usr/bin/env bash
# Brings what runs on this host to the release that lies in FOLDER/incoming, without losing a request; where the new
# version does not become ready, what ran before goes on as if nothing had been tried. deploy/deploy.sh calls it:
#   bash FOLDER/incoming/deploy/roll.sh FOLDER REVISION
# FOLDER/app is the release that runs, with the operator's settings in .env; FOLDER/previous the one before it.
set -euo pipefail
folder=$1 revision=$2
READY_S=${READY_S:-300}
# In-flight predictions take milliseconds, and one that is cut off is asked again by the proxy.
DRAIN_S=${DRAIN_S:-3}
cd "$folder"
exec 9>"$folder/lock"
flock --nonblock 9 || { echo "roll: another deployment to $folder is running" >&2; exit 1; }

say() { echo "roll: $*"; }
# In place: the proxy and others have folders of app/ mounted.
copy() { rsync --archive --delete --exclude=/.env --exclude='/deploy/wheels/*.whl' "$1/" "$2/"; }
setting() { sed -n "s/^$1=//p" app/.env 2>/dev/null | tail -n 1; }
set_tag() {
    touch app/.env
    sed -i '/^TAG=/d' app/.env
    echo "TAG=$1" >>app/.env
}
compose() { (cd app && docker compose "$@" 9>&-); }
running() { compose ps --quiet "$1" 2>/dev/null; }
health() { docker inspect --format '{{.State.Status}} {{.State.Health.Status}}' "$1" 2>/dev/null || echo gone; }
address() { docker inspect --format "{{(index .NetworkSettings.Networks \"${project}_front\").IPAddress}}" "$1"; }

before=$(setting TAG)
settings_before=$(compose config --hash '*' 2>/dev/null | sort || true)
project=$(setting COMPOSE_PROJECT_NAME)
project=${project:-sketchserve}
mkdir -p app
is_running=$(running proxy || true)
[ -z "$is_running" ] || { mkdir -p previous && copy app previous; }
copy incoming app
set_tag "$revision"

if [ -z "$is_running" ]; then
    say "nothing runs here yet: starting $revision"
    compose build --quiet
    compose up --detach --wait --wait-timeout "$READY_S"
    say "$revision runs"
    exit 0
fi

added=()
go_back() {
    status=$?
    trap - EXIT
    say "$revision was not taken: going back to ${before:-what ran before}"
    [ "${#added[@]}" -eq 0 ] || {
        for container in "${added[@]}"; do
            say "last words of $(docker inspect --format '{{.Name}}' "$container"):"
            docker logs --tail 5 "$container" 2>&1 | sed 's/^/    /' || true
        done
        docker rm --force "${added[@]}" >/dev/null
    }
    copy previous app
    [ -z "$before" ] || set_tag "$before"
    # Where it had moved, or could not read its new settings.
    compose exec -T proxy sh /etc/sketchserve/start.sh move || true
    exit "$((status == 0 ? 1 : status))"
}
trap go_back EXIT

say "building $revision beside ${before:-what runs}"
compose build --quiet
say "bringing passwords and schema up to date"
compose run --rm --no-deps secrets
compose run --rm --no-deps migrate

mapfile -t old < <(running torchserve; running ui)
replicas=$(running torchserve | wc -l)
say "starting $revision beside the old version"
compose up --detach --no-deps --no-recreate --scale "torchserve=$((2 * replicas))" --scale ui=2 torchserve ui
mapfile -t added < <({ running torchserve; running ui; } | grep -vxF -f <(printf '%s\n' "${old[@]}"))
[ "${#added[@]}" -eq "$((replicas + 1))" ] || { say "expected $((replicas + 1)) new containers, got ${#added[@]}"; exit 1; }

deadline=$((SECONDS + READY_S))
for container in "${added[@]}"; do
    until [ "$(health "$container")" = "running healthy" ]; do
        case "$(health "$container")" in
            "running starting") ;;
            *) say "$(docker inspect --format '{{.Name}}' "$container") is $(health "$container")"; exit 1 ;;
        esac
        [ "$SECONDS" -lt "$deadline" ] || { say "not ready within $READY_S s"; exit 1; }
        sleep 1
    done
done

say "moving the proxy to $revision"
servers=$(for container in $(running torchserve); do
    printf '%s\n' "${added[@]}" | grep -qxF "$container" && echo "$(address "$container"):8080"; done || true)
page=$(for container in $(running ui); do
    printf '%s\n' "${added[@]}" | grep -qxF "$container" && echo "$(address "$container"):7860"; done || true)
compose exec -T proxy sh /etc/sketchserve/start.sh move "$page" $servers
trap - EXIT
sleep "$DRAIN_S"
docker stop "${old[@]}" >/dev/null
docker rm "${old[@]}" >/dev/null
# Their common names mean the new ones alone from here on.
compose exec -T proxy sh /etc/sketchserve/start.sh move
# What else has other settings now, and nothing else: by itself compose would recreate all that depends on a new one.
mapfile -t services < <(compose config --hash '*' | sort | comm -13 <(echo "$settings_before") - | cut -d ' ' -f 1 |
    grep -vxE 'migrate|secrets|torchserve|ui')
[ "${#services[@]}" -eq 0 ] || compose up --detach --no-deps --wait --wait-timeout "$READY_S" "${services[@]}"
# Rules and probes are in folders that are mounted.
compose kill --signal HUP prometheus blackbox
say "$revision runs"
