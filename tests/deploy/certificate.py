"""A certificate for tests, signed by itself."""

import subprocess
import tempfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def certificate() -> tuple[bytes, bytes]:
    """A certificate for 127.0.0.1 and its key, both PEM."""
    return self_signed("127.0.0.1")


def self_signed(address: str) -> tuple[bytes, bytes]:
    """Return a certificate for an IP address and its key, both PEM."""
    with tempfile.TemporaryDirectory(prefix="certificate-") as folder:
        files = [Path(folder, "certificate.pem"), Path(folder, "key.pem")]
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
                *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
                *("-addext", f"subjectAltName=IP:{address}", "-out", files[0], "-keyout", files[1]),
            ],
            check=True,
            capture_output=True,
        )
        return files[0].read_bytes(), files[1].read_bytes()
