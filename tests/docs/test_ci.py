"""What CI does is what CONTRIBUTING.md says and what the workflow calls."""

import os
import re

import yaml

from tests.docs.documents import PROJECT, blocks, read


def test_ci_runs_what_contributing_says() -> None:
    script = (PROJECT / ".ci" / "run").read_text()
    run_by_ci = re.findall(r"^make ([a-z-]+)$", script, re.MULTILINE)
    (three,) = [block.text for block in blocks("CONTRIBUTING.md") if "make test " in block.text]
    named = re.findall(r"^make ([a-z-]+) ", three, re.MULTILINE)
    # The unit tests are among all of them.
    assert [verb for verb in named if verb != "test-unit"] == run_by_ci


def test_the_workflow_calls_the_script_that_everybody_can_run() -> None:
    workflow = yaml.safe_load(read(".github/workflows/ci.yml"))
    (job,) = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert os.access(PROJECT / ".ci" / "run", os.X_OK)


def test_what_ci_lacks_fails_its_tests_wherever_it_runs() -> None:
    script = (PROJECT / ".ci" / "run").read_text()
    assert script.index("\nexport CI=true\n") < script.index("\nmake ")
