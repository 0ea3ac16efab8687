#!/usr/bin/env bash
# Brings what runs on this host to the release that lies in FOLDER/incoming, without losing a request; where the new
# version does not become ready, what ran before goes on as if nothing had been tried. deploy/deploy.sh calls it:
#   bash FOLDER/incoming/deploy/roll.sh FOLDER REVISION
# FOLDER/app is the release that runs, with the operator's own files beside it (docs/deploying.md says which stay),
# FOLDER/previous the one before it, FOLDER/taken the revision that was last taken, FOLDER/built those that have images.
set -euo pipefail
mkdir -p "$1/app"
folder=$(cd "$1" && pwd) revision=$2
READY_S=${READY_S:-300}
# In-flight predictions take milliseconds, and one that is cut off is asked again by the proxy.
DRAIN_S=${DRAIN_S:-3}
# With this status ui/check.py ends where people have to sign in, and nobody can.
NO_USER=3
cd "$folder"
touch app/.env taken hashes built
exec 9>lock
flock --nonblock 9 || { echo "roll: another deployment to $folder is running" >&2; exit 1; }

say() { echo "roll: $*"; }
# In place: the proxy and others have folders of app/ mounted. What an operator puts there stays.
copy() {
    rsync --archive --delete --exclude=/.env --exclude=/docker-compose.override.yml --exclude=/local/ \
        --exclude='/model_store/*.mar' --exclude='/deploy/wheels/*.whl' "$1/" "$2/"
}
# As compose reads it: neither quotes around a value nor a comment after it are a part of it.
setting() {
    sed -n "s/^$1=//p" app/.env | tail -n 1 | sed -E "s/^(['\"])(.*)\1\s*(#.*)?$/\2/; t; s/\s+#.*$//; s/\s+$//"
}
set_tag() { sed -i -e '/^TAG=/d' -e '$a\' app/.env && echo "TAG=$1" >>app/.env; }
compose() { (cd app && docker compose "$@" 9>&-); }
proxy() { compose exec -T proxy sh /etc/sketchserve/start.sh "$@"; }
build() { echo "$revision" >>built; compose build --quiet; }
running() { compose ps --quiet "$1"; }
# Those that do not run, or start again and again, too.
rolled() { compose ps --all --quiet torchserve; compose ps --all --quiet ui; }
# Those of a first start that are neither well nor have done what they were for, nor wait for such a one.
ill() {
    local format='{{.Id}} {{.State.Status}} {{.State.ExitCode}} {{with .State.Health}}{{.Status}}{{end}}'
    compose ps --all --quiet | xargs --no-run-if-empty docker inspect --format "$format" |
        grep -vE ' (running 0 (healthy)?|exited 0 .*|created .*)$' | cut -d ' ' -f 1
}
state() { docker inspect --format '{{.State.Status}} {{.State.Health.Status}}' "$1" 2>/dev/null || echo gone; }
addresses() {
    for container in "${@:2}"; do
        docker inspect --format "{{(index .NetworkSettings.Networks \"${project}_front\").IPAddress}}:$1" "$container"
    done
}
last_words() {
    say "last log lines of $(docker inspect --format '{{.Name}}' "$1"):"
    docker logs --tail 5 "$1" 2>&1 | sed 's/^/    /'
}
# Whether proxy and page can start with these settings, which is said before anything is changed.
check_settings() {
    local status=0
    say "checking the settings"
    compose run --rm --no-deps --no-TTY proxy sh /etc/sketchserve/start.sh check
    compose run --rm --no-deps --no-TTY ui python -m ui.check || status=$?
    [ "$status" -ne "$NO_USER" ] || say "add one like this before $revision runs, then deploy again:
    cd $(printf %q "$folder/app") && TAG=$revision COMPOSE_FILE=$(incoming_files) docker compose --project-directory . run --rm --no-deps migrate python -m db.users NAME --role operator"
    return "$status"
}
# The new release's file with the operator's own beside it, as compose is told by COMPOSE_FILE.
incoming_files() {
    local files
    files=$(setting COMPOSE_FILE)
    if [ -z "$files" ]; then
        files=docker-compose.yml
        [ ! -e app/docker-compose.override.yml ] || files+=:docker-compose.override.yml
    fi
    printf %q "${files/docker-compose.yml/../incoming/docker-compose.yml}"
}
# Where the former release has none yet; by the rule by which they are asked for.
say_that_keys_are_needed() {
    grep -q secrets-keys previous/docker-compose.yml || [ "$(setting INFERENCE_KEYS)" = off ] ||
        compose run --rm --no-deps --no-TTY ui python -c \
            'import os, sys; from system.ports import is_loopback; sys.exit(not is_loopback(os.environ["PUBLISHED_AT"]))' ||
        say "from now on, programs on other hosts need a key (docs/keys.md); INFERENCE_KEYS=off in app/.env turns this off"
}
# Several pages are one argument of the proxy's.
pages() { addresses 7860 "$@" | paste -sd ,; }
without() { grep -vxF -f <(printf '%s\n' "$@") || true; }

taken=$(cat taken)
project=$(setting COMPOSE_PROJECT_NAME)
project=${project:-sketchserve}

if [ -z "$taken" ]; then
    say "starting $revision"
    copy incoming app
    set_tag "$revision"
    build
    compose up --detach --wait --wait-timeout "$READY_S" postgres
    check_settings
    compose up --detach --wait --wait-timeout "$READY_S" || {
        for container in $(ill); do last_words "$container"; done
        exit 1
    }
    echo "$revision" >taken
    compose config --hash '*' | sort >hashes
    say "$revision is running"
    exit 0
fi

if [ "$(setting TAG)" != "$taken" ]; then
    say "an earlier deployment was interrupted: continuing from $taken"
    copy previous app
    set_tag "$taken"
fi
for container in $(rolled); do
    case "$(docker inspect --format '{{.Config.Image}} {{.State.Status}}' "$container")" in
        *":$taken running") ;;
        *) docker rm --force "$container" >/dev/null ;;
    esac
done
mapfile -t old_torchserve < <(running torchserve)
mapfile -t old_page < <(running ui)
old=("${old_torchserve[@]}" "${old_page[@]}")
replicas=$((${#old_torchserve[@]} > 0 ? ${#old_torchserve[@]} : 1))
pages=$((${#old_page[@]} > 0 ? ${#old_page[@]} : 1))

go_back() {
    status=$?
    trap - EXIT
    trap '' PIPE HUP INT TERM
    set +e
    say "$revision was not deployed: going back to $taken"
    for container in $(rolled | without "${old[@]}"); do
        last_words "$container"
        docker rm --force "$container" >/dev/null
    done
    copy previous app
    set_tag "$taken"
    # A release from before there was a shared store has no such service.
    compose run --rm --no-deps models 2>/dev/null || true
    # Where it had moved, or could not read its new settings.
    proxy move
    exit "$((status == 0 ? 1 : status))"
}
trap go_back EXIT
trap 'exit 1' HUP INT TERM

copy app previous
copy incoming app
set_tag "$revision"
say "building $revision beside $taken"
build
say_that_keys_are_needed
check_settings
say "bringing passwords and schema up to date"
compose run --rm --no-deps secrets
compose run --rm --no-deps migrate
compose run --rm --no-deps models

# By their common names the new ones would be asked as soon as they run, and old and new pages would share a visitor's calls.
if [ "${#old_torchserve[@]}" -gt 0 ] && [ "${#old_page[@]}" -gt 0 ]; then
    proxy move "$(pages "${old_page[@]}")" $(addresses 8080 "${old_torchserve[@]}")
fi
say "starting $revision beside the old version"
compose up --detach --no-deps --no-recreate --scale "torchserve=$((${#old_torchserve[@]} + replicas))" \
    --scale "ui=$((${#old_page[@]} + pages))" torchserve ui
mapfile -t new_torchserve < <(running torchserve | without "${old[@]}")
mapfile -t new_page < <(running ui | without "${old[@]}")
[ "${#new_torchserve[@]} ${#new_page[@]}" = "$replicas $pages" ] || { say "new containers are missing"; exit 1; }

deadline=$((SECONDS + READY_S))
for container in "${new_torchserve[@]}" "${new_page[@]}"; do
    while now=$(state "$container"); [ "$now" != "running healthy" ]; do
        [ "$now" = "running starting" ] || { say "$(docker inspect --format '{{.Name}}' "$container") is $now"; exit 1; }
        [ "$SECONDS" -lt "$deadline" ] || { say "not ready within $READY_S s"; exit 1; }
        sleep 1
    done
done

say "moving the proxy to $revision"
proxy move "$(pages "${new_page[@]}")" $(addresses 8080 "${new_torchserve[@]}")
trap - EXIT
echo "$revision" >taken
sleep "$DRAIN_S"
[ "${#old[@]}" -eq 0 ] || { docker stop "${old[@]}" && docker rm "${old[@]}"; } >/dev/null
# The common names mean the new ones alone from here on.
proxy move
# What else has other settings now, and nothing else: by itself compose would recreate all that depends on a new one.
compose config --hash '*' | sort >hashes.new
mapfile -t services < <(comm -13 hashes hashes.new | cut -d ' ' -f 1 | grep -vxE 'migrate|models|secrets|torchserve|ui')
[ "${#services[@]}" -eq 0 ] || compose up --detach --no-deps --wait --wait-timeout "$READY_S" "${services[@]}"
mv hashes.new hashes
# Rules and probes are in folders that are mounted. Not `docker kill`: who was sent a signal by that is not started again.
for service in prometheus blackbox; do compose exec -T "$service" sh -c 'kill -HUP 1'; done
# The images of this release and of the one before it stay, and those of other installations on this host.
sort -u built | without "$revision" "$taken" | while read -r tag; do
    docker image rm "sketchserve/page:$tag" "sketchserve/torchserve:$tag" "sketchserve/loop:$tag" >/dev/null 2>&1 || true
done
printf '%s\n' "$taken" "$revision" >built
say "$revision is running"
