"""Writes operators.json.gz: schemas of the operators' kinds of deploy/kubernetes, from their repositories.

    python tests/deploy/schemas/renew.py CLONES

CLONES is a folder with a clone of each repository of SOURCES, with its tags, in a folder of its last name. Of
2.6 MB, 0.9 remain without descriptions, and 34 kB packed. The file says which commit each is of.
"""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

MADE = Path(__file__).with_name("operators.json.gz")
CRDS = "example/prometheus-operator-crd/monitoring.coreos.com_"
# Repository, tag, and its files, each of one kind.
SOURCES = {
    "cloudnative-pg/cloudnative-pg": ("v1.30.0", ["config/crd/bases/postgresql.cnpg.io_clusters.yaml"]),
    "prometheus-operator/prometheus-operator": (
        "v0.93.0",
        [f"{CRDS}{kind}.yaml" for kind in ("servicemonitors", "podmonitors", "probes", "prometheusrules")],
    ),
    "kedacore/keda": ("v2.20.2", ["config/crd/bases/keda.sh_scaledobjects.yaml"]),
    "kserve/kserve": ("v0.20.0", ["config/crd/full/serving.kserve.io_inferenceservices.yaml"]),
}


def closed(schema: Any) -> Any:
    """Return a schema in which an object has no field that is not named; without descriptions."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    # Below these are names of fields, which may be "description", too.
    found = {
        key: {name: closed(one) for name, one in value.items()} if key == "properties" else closed(value)
        for key, value in schema.items()
        if key not in ("description", "x-kubernetes-validations")
    }
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and not is_open:
        found["additionalProperties"] = False
    return found


def git(clone: Path, *arguments: str) -> str:
    """Return what git prints of a clone."""
    done = subprocess.run(["git", "-C", str(clone), *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def made(clones: Path) -> dict[str, Any]:
    """Return where schemas are from, and each schema by "apiVersion kind"."""
    sources, schemas = [], {}
    for name, (tag, files) in SOURCES.items():
        clone = clones / name.rsplit("/", 1)[1]
        sources.append(
            {
                "repository": name,
                "version": tag,
                "commit": git(clone, "rev-parse", f"{tag}^{{commit}}").strip(),
            }
        )
        for file in files:
            spec = yaml.safe_load(git(clone, "show", f"{tag}:{file}"))["spec"]
            for version in spec["versions"]:
                if version["served"]:
                    key = f"{spec['group']}/{version['name']} {spec['names']['kind']}"
                    schemas[key] = closed(version["schema"]["openAPIV3Schema"])
    return {"sources": sources, "schemas": schemas}


if __name__ == "__main__":
    words = json.dumps(made(Path(sys.argv[1])), separators=(",", ":"), sort_keys=True)
    MADE.write_bytes(gzip.compress(words.encode(), mtime=0))
