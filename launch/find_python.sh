#!/bin/sh
# Prints the first Python that the project supports (requires-python in pyproject.toml); fails when there is none.
#   PYTHON=...  the only one to look at
if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3.11 python3.12 python3.13 python3 python; fi
for candidate in "$@"; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        echo "$candidate"
        exit 0
    fi
done
echo "no Python 3.11, 3.12 or 3.13 (looked for: $*)" >&2
exit 1
