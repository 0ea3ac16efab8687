"""Write monitoring/rules.yaml: the rules of deploy/prometheus/rules as resources of the Prometheus operator.

    python deploy/kubernetes/rules.py

Prometheus reads files of rules that hold nothing else, and kustomize puts no file into a resource's field.
"""

from pathlib import Path

HERE = Path(__file__).resolve().parent
RULES = HERE.parent / "prometheus" / "rules"
MADE = HERE / "monitoring" / "rules.yaml"
HEAD = """\
# Made by rules.py from deploy/prometheus/rules/{file}: change that.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {{name: {name}}}
spec:
"""


def made() -> str:
    """Return what rules.yaml has to hold: a document for each file, whose words it keeps as they are."""
    documents = []
    for path in sorted(RULES.glob("*.yml")):
        # What stands before the groups speaks of the file.
        _, found, groups = path.read_text(encoding="utf-8").partition("groups:\n")
        indented = [f"  {line}".rstrip() for line in (found + groups).splitlines()]
        documents.append(HEAD.format(file=path.name, name=path.stem) + "\n".join(indented) + "\n")
    return "---\n".join(documents)


if __name__ == "__main__":
    MADE.write_text(made(), encoding="utf-8")
