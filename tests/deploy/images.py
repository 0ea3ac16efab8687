"""Names of the images that a deployment has made, or another one on the same host."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.deploy.host import Host


@contextmanager
def images(host: Host, *tags: str) -> Iterator[None]:
    """More names of the page's image, until the end of the block."""
    inspect = ["docker", "inspect", "--format", "{{.Image}}", host.containers("ui")[0]]
    image = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.strip()
    names = [f"sketchserve/page:{tag}" for tag in tags]
    try:
        for name in names:
            subprocess.run(["docker", "tag", image, name], check=True)
        yield
    finally:
        subprocess.run(["docker", "image", "rm", *names], capture_output=True, check=False)


def tags_of_images() -> set[str]:
    """Return by which tags the page's images are known on this machine."""
    listed = ["docker", "image", "ls", "--format", "{{.Tag}}", "sketchserve/page"]
    return set(subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split())
