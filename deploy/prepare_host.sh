# Run on the host by deploy/deploy.sh: installs Docker with compose where they are missing, and empties FOLDER/incoming.
set -euo pipefail
folder=$1
install() {
    apt-get -o DPkg::Lock::Timeout=300 update -qq
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@"
}
command -v rsync >/dev/null || install rsync
if ! docker compose version >/dev/null 2>&1; then
    # Debian 13 and Ubuntu have compose 2 themselves. What they call it differs.
    apt-get -o DPkg::Lock::Timeout=300 update -qq
    for package in docker-compose-v2 docker-compose-plugin docker-compose; do
        candidate=$(apt-cache policy "$package" | sed -n 's/^ *Candidate: //p')
        case "$candidate" in "" | "(none)" | 1.*) continue ;; esac
        install docker.io "$package"
        break
    done
    docker compose version >/dev/null 2>&1 || {
        echo "prepare_host: this system has no compose 2: install Docker Engine as docs.docker.com/engine/install says" >&2
        exit 1
    }
fi
docker info >/dev/null 2>&1 || { echo "prepare_host: the Docker engine does not run: systemctl start docker" >&2; exit 1; }
mkdir -p "$folder"
rm -rf "$folder/incoming"
mkdir "$folder/incoming"
