"""Versions of a model: `python -m rollout` lists them, makes one the default, or goes back.

    python -m rollout
    python -m rollout promote 1.1.0
    python -m rollout promote 1.1.0 --force
    python -m rollout rollback

What is decided is written to the database; the page brings TorchServe there within seconds, or as soon as
both run.
"""

import argparse
import os
import sys
from contextlib import suppress

from client.errors import NotLoaded, Unreachable
from client.management import Management, path_of
from db import own_database
from db.serving import Serving, ServingRows
from db.versions import Versions
from rollout.changes import Desk, NotPossible
from rollout.reconcile import Places
from rollout.replicas import Replicas
from rollout.table import table
from system import environment, variables


def main() -> int:
    """Do what the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rollout", description="List a model's versions, make one the default, or go back."
    )
    parser.add_argument("verb", nargs="?", choices=("versions", "promote", "rollback"), default="versions")
    parser.add_argument("version", nargs="?", help="with promote: the version to make the default")
    parser.add_argument(
        "--force", action="store_true", help="with promote: even if the gate has not passed it"
    )
    told = parser.parse_args()
    if told.verb != "promote" and (told.version or told.force):
        parser.error(
            f"{told.verb} takes neither a version nor --force: use promote to serve a version that you choose"
        )
    with own_database.command("rollout", NotPossible):
        model = environment.text(os.environ, "MODEL", "digits")
        url = environment.http_address(os.environ, "TORCHSERVE_MANAGEMENT_URL", "http://127.0.0.1:8081")
        token_file = variables.token_file(os.environ)
        with own_database.opened() as engine:
            desk, by = Desk(ServingRows(engine), Versions(engine)), own_database.caller()
            match told.verb:
                case "versions":
                    print(table(desk, model, Replicas(url, token_file).of(model)))
                case "promote":
                    if not told.version:
                        raise NotPossible("promote which one? make promote VERSION=1.1.0")
                    management = Management(url, token_file)
                    served = _served(desk, model, management)
                    _note(desk.versions, model, told.version, management)
                    print(_promoted(desk.promote(model, told.version, served, by, is_forced=told.force)))
                case "rollback":
                    print(_rolled_back(desk.roll_back(model, by)))
    return 0


def _served(desk: Desk, model: str, management: Management) -> str:
    """Return the default version: as the database says, or else TorchServe.

    Raises:
        NotPossible: Neither says.
    """
    if serving := desk.rows.find(model):
        return serving.version
    try:
        return management.describe(path_of(model)).version
    except NotLoaded as error:
        raise NotPossible(f"TorchServe does not serve {model}: start it with that model first") from error
    except Unreachable as error:
        raise NotPossible(f"cannot tell which version of {model} is the default: {error}") from error


def _note(versions: Versions, model: str, version: str, management: Management) -> None:
    """Remember the archive of a version that TorchServe has, as a page does of models that are decided on."""
    store = environment.text(os.environ, "MODEL_STORE", "model_store")
    places = Places(environment.path(os.environ, "ROLLOUT_STORE", store))
    if versions.find(model, version):
        return
    with suppress(Unreachable):
        file = management.describe(path_of(model, version)).file
        if made := places.found(model, version, file):
            versions.note(made)


def _promoted(serving: Serving) -> str:
    return (
        f"{serving.model} {serving.version} becomes the default as soon as it is ready; {serving.previous} "
        "stays for a day, and `make rollback` goes back to it"
    )


def _rolled_back(serving: Serving) -> str:
    return (
        f"{serving.model} {serving.version} is the default; {serving.candidate} will be removed within "
        "minutes"
    )


if __name__ == "__main__":
    sys.exit(main())
