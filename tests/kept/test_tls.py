"""Certificate files that are missing, empty, locked or not what they should be: each is named with its setting."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from kept.errors import ConfigurationError
from kept.settings import Settings
from kept.tls import tls_context
from tests.certificates import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"), "authority")


def refusal(**files: str | Path | None) -> str:
    settings = Settings(security_protocol="SSL", **{k: None if v is None else str(v) for k, v in files.items()})
    with pytest.raises(ConfigurationError) as refused:
        tls_context(settings)
    return str(refused.value)


def test_certificates_and_host_names_are_always_verified(authority: Authority) -> None:
    for settings in (Settings(), Settings(ssl_cafile=str(authority.certificate))):
        context = tls_context(settings)
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_with_an_authority_of_ones_own_those_of_the_system_are_not_trusted(authority: Authority) -> None:
    trusted = tls_context(Settings(ssl_cafile=str(authority.certificate))).get_ca_certs()
    assert [dict(part[0] for part in certificate["subject"]) for certificate in trusted] == [
        {"commonName": "authority"}
    ]


@pytest.mark.parametrize("setting", ["ssl_cafile", "ssl_certfile", "ssl_keyfile"])
def test_a_missing_file_is_named_with_its_setting(setting: str, authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("client", "DNS:client")
    files = {"ssl_certfile": certificate, "ssl_keyfile": key, setting: tmp_path / "none.pem"}
    said = refusal(**files)
    assert said.startswith(f"KEPT_{setting.upper()}: ")
    assert "none.pem' cannot be read: No such file" in said


def test_a_file_without_a_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    assert "KEPT_SSL_CAFILE" in refusal(ssl_cafile=tmp_path / "ca.pem")
    assert "holds no PEM certificate" in refusal(ssl_cafile=tmp_path / "ca.pem")


def test_a_key_of_another_certificate_is_refused(authority: Authority) -> None:
    certificate, _ = authority.issue("one", "DNS:one")
    _, key = authority.issue("two", "DNS:two")
    assert "check that they belong together" in refusal(ssl_certfile=certificate, ssl_keyfile=key)


def test_an_encrypted_key_needs_its_password_and_never_asks_at_the_terminal(
    authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.issue("locked", "DNS:locked")
    locked = tmp_path / "locked.key"
    command = ["openssl", "pkcs8", "-topk8", "-in", key, "-out", locked, "-passout", "pass:open-sesame"]
    subprocess.run(command, check=True, capture_output=True)
    files = {"ssl_certfile": certificate, "ssl_keyfile": locked}
    assert "is encrypted; give its password in KEPT_SSL_KEY_PASSWORD_FILE" in refusal(**files)
    wrong = refusal(**files, ssl_key_password="open-barley")
    assert "does not open it" in wrong
    assert "open-barley" not in wrong
    right = {name: str(path) for name, path in files.items()}
    tls_context(Settings(security_protocol="SSL", ssl_key_password="open-sesame", **right))
