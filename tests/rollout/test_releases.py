"""What the driver makes of archives that another release, or somebody else, has put into the model store."""

import pytest
from sqlalchemy import update

from db.schema import model_versions
from tests.rollout.conftest import NEW, OLD, Trial, begin
from tests.ui.several_models import put_archive

pytestmark = pytest.mark.integration


def test_the_same_version_with_another_handler_is_known_once_a_release_has_brought_it(trial: Trial) -> None:
    begin(trial)
    put_archive(trial.store, f"{trial.model}-{OLD}.mar", trial.model, OLD, framing="of another release")
    trial.turn()
    trial.torchserve.workers = {(trial.model, NEW): 2}
    trial.turn()
    assert trial.versions == [NEW, OLD]


def test_what_the_loop_has_made_is_known_as_it_was_made(trial: Trial) -> None:
    begin(trial)
    with trial.engine.begin() as connection:
        of_version = update(model_versions).where(
            model_versions.c.model_name == trial.model, model_versions.c.model_version == NEW
        )
        connection.execute(of_version.values(made_of={"seed": 0}))
    put_archive(trial.store, f"{trial.model}-{NEW}.mar", trial.model, NEW, framing="of somebody else")
    trial.turn()
    trial.torchserve.workers = {(trial.model, OLD): 2}
    trial.turn()
    assert trial.versions == [OLD]
