"""Certificates of a small authority, made with openssl for one run of the tests. The keys are worth nothing outside."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

MISSING = None if shutil.which("openssl") else "openssl is missing; install it with: apt-get install -y openssl"


class Authority:
    """Signs certificates; `certificate` is the file that those who trust it are given."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self.certificate = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        _openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.certificate,
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip

    def issue(self, name: str, alternative: str, *, expired: bool = False) -> tuple[Path, Path]:
        """(certificate, private key) for `name`; `alternative` as in `IP:127.0.0.1` is what it is good for."""
        certificate, key = self._folder / f"{name}.{self._name}.pem", self._folder / f"{name}.{self._name}.key"
        request = self._folder / f"{name}.csr"
        _openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={alternative}", "-keyout", key, "-out", request,
        )  # fmt: skip
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key,
            "-days", "-1" if expired else "2",
            "-copy_extensions", "copy", "-out", certificate,
        )  # fmt: skip
        key.chmod(0o600)
        return certificate, key

    def keystore(self, name: str, alternative: str, *, expired: bool = False) -> Path:
        """Private key and certificate in one PEM file, as Kafka takes them."""
        certificate, key = self.issue(name, alternative, expired=expired)
        store = certificate.with_suffix(".store.pem")
        store.write_text(key.read_text() + certificate.read_text())
        return store


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)
