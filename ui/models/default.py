"""A version is made TorchServe's default, with as many workers as the one before it has."""

from client.management import Management, path_of
from rollout.reconcile import Places, do, steps_to_default
from ui.models.board import Board, Version


def make_default(management: Management, version: Version) -> str:
    """Make a version its model's default at once; return the version that was it before.

    Raises:
        LoadFailed: It cannot be made the default.
        Unreachable: TorchServe does not say which version is the default.
    """
    name = version.model.name
    before = management.describe(path_of(name))
    for step in steps_to_default(before, version.model.version, version.workers):
        do(step, name, None, management, Places())
    return before.version


def more_workers(version: Version, board: Board) -> int:
    """Return how many workers more a version gets when it is made the default of its model."""
    default = board.default_of(version.model.name)
    return max(0, default.workers - version.workers) if default else 0
