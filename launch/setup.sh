#!/bin/sh
# Makes .venv hold what requirements.lock says; does nothing when it already does.
#   PYTHON=...       which Python to use, instead of the first supported one on PATH
#   TORCH_INDEX=...  a package index to take torch and torchvision from (a CPU build, for one); the CUDA
#                    packages of the lock are then left out
set -eu
cd "$(dirname "$0")/.."

stamp=.venv/installed.lock
if [ -x .venv/bin/python ] && cmp -s requirements.lock "$stamp"; then
    exit 0
fi

fail() {
    echo "make setup: cause: $1; fix: $2" >&2
    exit 1
}

if [ ! -x .venv/bin/python ]; then
    # What it prints is the Python, or why there is none.
    python=$(sh launch/find_python.sh 2>&1) ||
        fail "$python" "install one, or name it: make setup PYTHON=/path/to/python3.11"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python cannot make virtual environments" "apt install python3-venv (Debian, Ubuntu)"
    echo "make setup: making .venv with $("$python" --version)"
    # An interrupted one has no working pip.
    rm -rf .venv
    "$python" -m venv .venv || fail "$python -m venv failed" "see the lines above"
fi
PYTHON=.venv/bin/python sh launch/find_python.sh >/dev/null 2>&1 || fail ".venv has $(.venv/bin/python --version 2>&1), supported are 3.11 and 3.12" \
    "rm -r .venv and run make setup again"

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
lock=requirements.lock
if [ -n "${TORCH_INDEX:-}" ]; then
    .venv/bin/python -m pip install --no-deps --index-url "$TORCH_INDEX" \
        $(grep -oE '^(torch|torchvision)==[^ ;]+' requirements.lock)
    lock=.venv/without-cuda.lock
    grep -vE '^(torch|torchvision|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)(\[.*\])?==' requirements.lock >"$lock"
fi
echo "make setup: installing what $lock pins (a few minutes the first time)"
# pip's progress is for people; a log gets its warnings only.
if [ -t 1 ]; then quiet=; else quiet=--quiet; fi
.venv/bin/python -m pip install $quiet -r "$lock" ||
    fail "pip could not install $lock" "see the lines above; make setup goes on where it stopped"
cp requirements.lock "$stamp"
