#!/bin/sh
# Installs into .venv what groups of pyproject.toml need, as their locks pin it; does nothing when it is there already.
#   sh launch/setup.sh GROUP ...
#   PYTHON=...       which Python to use, instead of the first supported one on PATH
#   TORCH_INDEX=...  a package index to take torch and torchvision from, without the locks' CUDA packages
set -eu
unset CDPATH # with it cd goes elsewhere, and prints where
cd "$(dirname "$0")/.."

say() {
    echo "make setup: $1"
}

fail() {
    say "cause: $1; fix: $2" >&2
    exit 1
}

# Prints NAME==VERSION of each package that lock files pin.
pins() {
    sed -n 's/^\([a-z0-9][^ ]*==[^ ]*\).*/\1/p' "$@" | sort -u
}

[ "$#" -gt 0 ] || fail "no group was named" "sh launch/setup.sh run"
locks=
for group in "$@"; do
    lock=requirements/$group.lock
    # The one lock, whose pins all others repeat.
    [ "$group" != dev ] || lock=requirements.lock
    [ -f "$lock" ] || fail "there is no group $group" "GROUP=... is one or more of those in pyproject.toml"
    locks="$locks $lock"
done

# The pins that .venv holds, by package and not by group: most groups share most of theirs.
stamp=.venv/installed.lock
if [ -x .venv/bin/python ] && [ -f "$stamp" ] && ! pins $locks | grep -qvxFf "$stamp"; then
    exit 0
fi

# An interrupted one may have a Python and nothing to install with.
if [ ! -x .venv/bin/python ] || { [ ! -x .venv/bin/uv ] && ! .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
    # What it prints is the Python, or why there is none.
    python=$(sh launch/find_python.sh 2>&1) ||
        fail "$python" "install one, or name it: make setup PYTHON=/path/to/python3.11"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python cannot create virtual environments" "apt install python3-venv (Debian, Ubuntu)"
    say "creating .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv || fail "$python -m venv failed" "see the lines above"
fi
PYTHON=.venv/bin/python sh launch/find_python.sh >/dev/null 2>&1 || fail ".venv has $(.venv/bin/python --version 2>&1), expected 3.11 to 3.13" \
    "remove it with rm -r .venv, and run make setup again"

# How packages are reached is for the user's own settings to say; where they go, and which they are, is not.
for name in $(env | sed -n 's/^\(PIP_[A-Z0-9_]*\)=.*/\1/p; s/^\(UV_[A-Z0-9_]*\)=.*/\1/p'); do
    case $name in
    *INDEX* | *_CERT | *_CERTS | *_TLS | *_PROXY | *_HOST | *TIMEOUT | *RETRIES | *KEYRING* | *FIND_LINKS) ;;
    *CACHE* | UV_OFFLINE | UV_HTTP_* | UV_CONCURRENT_* | UV_LINK_MODE | PIP_USE_FEATURE | PIP_USE_DEPRECATED | PIP_CONFIG_FILE | UV_CONFIG_FILE) ;;
    *) unset "$name" ;;
    esac
done
# pip's file of settings may say so, too.
export PIP_USER=0
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
uv=.venv/bin/uv
[ -x "$uv" ] || .venv/bin/python -m pip install -qq "$(pins requirements.lock | grep '^uv==')" ||
    say "uv could not be installed; pip installs the rest, which takes longer"
# A mirror that pip was told of is meant for uv too, which reads none of pip's settings.
mirror=${PIP_INDEX_URL:-$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)}
if [ -n "$mirror" ]; then export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$mirror}"; fi

install() {
    # Progress is for people; a log gets warnings only.
    if [ ! -t 1 ]; then set -- --quiet "$@"; fi
    # Without dependencies: a lock has them all, and torch's CPU build none of CUDA's. Compiled at once, as pip does:
    # TorchServe starts in half the time, also where nobody may write bytecode later.
    if [ -x "$uv" ] && "$uv" pip install --python .venv/bin/python --no-deps --compile-bytecode "$@"; then return; fi
    case " $* " in *" --torch-backend "*) ;; *)
        [ ! -x "$uv" ] || say "uv failed; trying pip, which has its own settings"
        if .venv/bin/python -m pip install --no-deps "$@"; then return; fi ;;
    esac
    fail "the packages in$locks could not be installed" "see the lines above; make setup continues where it stopped"
}

has_nvidia_gpu() {
    [ -e /proc/driver/nvidia ] || [ -e /dev/nvidia0 ] || command -v nvidia-smi >/dev/null
}

# Asks the index of CPU builds, which not every network reaches, and installs nothing. A network that swallows
# what it does not like may cost some seconds here, not minutes.
is_cpu_build_offered() {
    [ -x "$uv" ] && UV_HTTP_CONNECT_TIMEOUT=3 UV_HTTP_TIMEOUT=3 UV_HTTP_RETRIES=0 "$uv" pip install --quiet \
        --python .venv/bin/python --dry-run --no-deps --torch-backend cpu "$torch" 2>/dev/null
}

# Which build of torch .venv has, or is to have: "locked", "cpu", or an index. torchvision, which may come later
# with another group, has to be of the same build.
build_file=.venv/torch_build
torch=$(pins $locks | grep '^torch==' || true)
if [ -n "${TORCH_INDEX:-}" ]; then
    echo "$TORCH_INDEX" >"$build_file"
elif [ ! -f "$build_file" ] && [ -n "$torch" ]; then
    if [ "$(uname)" != Linux ] || has_nvidia_gpu || grep -q '^torch==' "$stamp" 2>/dev/null; then
        echo locked >"$build_file"
    elif is_cpu_build_offered; then
        say "no NVIDIA GPU found: installing torch's CPU build"
        echo cpu >"$build_file"
    else
        say "no NVIDIA GPU found, but torch's CPU build cannot be reached: installing torch with CUDA, as locked"
        echo locked >"$build_file"
    fi
fi
build=$(cat "$build_file" 2>/dev/null || echo locked)

# A package that is about to be replaced by that of another lock is not there any more.
touch "$stamp"
pins requirements.lock | grep -xFf "$stamp" >"$stamp.kept" || true
mv "$stamp.kept" "$stamp"

say "installing the packages in$locks (a minute or two the first time)"
wanted=.venv/wanted.lock
cuda='^(triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)(\[.*\])?=='
case $build in
locked)
    grep -h '^[a-z0-9]' $locks >"$wanted"
    install -r "$wanted"
    ;;
cpu)
    grep -h '^[a-z0-9]' $locks | grep -vE "$cuda" >"$wanted"
    install --torch-backend cpu -r "$wanted"
    ;;
*)
    torches=$(pins $locks | grep -E '^(torch|torchvision)==' || true)
    [ -z "$torches" ] || (
        export PIP_INDEX_URL="$build" UV_DEFAULT_INDEX="$build"
        install $torches
    ) || { rm -f "$build_file"; exit 1; }  # an index that does not have it is not asked again
    grep -h '^[a-z0-9]' $locks | grep -vE "$cuda|^(torch|torchvision)==" >"$wanted"
    install -r "$wanted"
    ;;
esac
pins $locks >>"$stamp"
