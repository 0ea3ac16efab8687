"""Print this installation's Secrets, with passwords and a token that were never used before.

    python deploy/kubernetes/new_secrets.py | kubectl create -f -

`create` leaves a Secret alone that is there already.
"""

import json
import sys
from pathlib import Path
from secrets import token_urlsafe

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from make_secrets import PLACES  # the same files as in containers

BASIC = "kubernetes.io/basic-auth"  # as CloudNativePG asks for
NAMESPACE = "sketchserve"


def secrets() -> list[dict[str, object]]:
    """Return a Secret for each folder that somebody mounts; its keys are the files there."""
    files: dict[str, dict[str, str]] = {}
    for name, places in PLACES.items():
        password = token_urlsafe(24)
        for place, form in places.items():
            folder, _, file = place.partition("/")
            files.setdefault(folder, {})[file] = form.format(password)
        for folder, user in (("app", "sketchserve"), ("monitor", "monitor")):
            if name == user:
                files[folder] |= {"username": user, "password": password}
    del files["grafana"]  # a cluster's Grafana is not of this project
    return [_secret(folder, held) for folder, held in files.items()]


def _secret(name: str, held: dict[str, str]) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "type": BASIC if "username" in held else "Opaque",
        "stringData": held,
    }


if __name__ == "__main__":
    print(json.dumps({"apiVersion": "v1", "kind": "List", "items": secrets()}, indent=2))
