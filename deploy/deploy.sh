#!/usr/bin/env bash
# Deploys the platform to a Debian host over SSH, and each later version in place of the earlier one without losing a
# request:
#   deploy/deploy.sh USER@HOST [FOLDER]
# What is deployed is the commit that is checked out. FOLDER (default /opt/sketchserve) is on the host, and
# FOLDER/app/.env there has the operator's settings, as docs/deploying.md says. USER is root, or may use sudo without a
# password.
#   SSH=...      how to reach it (default: ssh)
#   READY_S=...  seconds that a new version may take to become ready (default: 300)
set -euo pipefail
unset CDPATH
cd "$(dirname "$0")/.."
[ "$#" -ge 1 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
host=$1 folder=${2:-/opt/sketchserve}
revision=$(git rev-parse --short=12 HEAD)
git diff --quiet HEAD || echo "deploy: leaving out uncommitted changes; deploying $revision" >&2
# The host's shell reads it once more.
on_host() { ${SSH:-ssh} "$host" "$(printf '%q ' "$@")"; }
as_root='[ "$(id -u)" -eq 0 ] || set -- sudo "$@"; exec "$@"'

on_host sh -c "$as_root" sh bash -s -- "$folder" <deploy/prepare_host.sh
git archive HEAD | on_host sh -c "$as_root" sh tar --extract --directory "$folder/incoming"
on_host sh -c "$as_root" sh env "READY_S=${READY_S:-300}" bash "$folder/incoming/deploy/roll.sh" "$folder" "$revision"
