# Run on the host by deploy/deploy.sh: installs Docker with compose where they are missing, and empties FOLDER/incoming.
set -euo pipefail
folder=$1
# This script is the standard input, which is nobody else's to read.
update() { apt-get -o DPkg::Lock::Timeout=300 update -qq </dev/null; }
install() {
    DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@" </dev/null
}
candidate() { apt-cache policy "$1" | sed -n 's/^ *Candidate: //p' | grep -v '(none)'; }
command -v rsync >/dev/null || { update && install rsync; }
if ! docker compose version >/dev/null 2>&1; then
    # Debian 13 and Ubuntu have compose 2 themselves. What they call it differs, and where the client is.
    update
    packages=(ca-certificates docker.io)
    ! candidate docker-cli >/dev/null || packages+=(docker-cli)
    for package in docker-compose-v2 docker-compose-plugin docker-compose; do
        case "$(candidate "$package" || true)" in "" | 1.*) continue ;; esac
        install "${packages[@]}" "$package"
        break
    done
    docker compose version >/dev/null 2>&1 || {
        echo "prepare_host: this system has no package of Docker Compose 2: install Docker Engine as docs.docker.com/engine/install says" >&2
        exit 1
    }
fi
docker info >/dev/null 2>&1 || { echo "prepare_host: the Docker engine is not running: systemctl start docker" >&2; exit 1; }
mkdir -p "$folder"
rm -rf "$folder/incoming"
mkdir "$folder/incoming"
