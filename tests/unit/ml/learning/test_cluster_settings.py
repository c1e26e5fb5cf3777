"""Connections to Dask: mutual TLS, or loopback alone."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from kit.certificates import AUTHORITY, CERTIFICATE, KEY, ensure_certificates
from ml_service.learning.cluster_settings import ClusterSettings


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, Path]:
    ensure_certificates(tmp_path)
    names = {"ca": AUTHORITY, "cert": CERTIFICATE, "key": KEY}
    return {f"dask_tls_{name}_file": tmp_path / file for name, file in names.items()}


def settings(address: str, certificates: dict[str, Path] | None = None) -> ClusterSettings:
    return ClusterSettings.model_validate({"dask_scheduler_address": address} | (certificates or {}))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tcp://[::1]:8786", "tcp://localhost:8786"])
def test_loopback_needs_no_certificates(address: str) -> None:
    assert not settings(address).cluster_security.require_encryption


@pytest.mark.parametrize(
    "address", ["tcp://dask-scheduler:8786", "tcp://0.0.0.0:8786", "tcp://10.0.0.1:8786", "tcp://:8786"]
)
def test_other_address_without_certificates_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="not on loopback: use tls:// and set DASK_TLS_CA_FILE"):
        settings(address)


@pytest.mark.parametrize("address", ["tls://127.0.0.1:8786", "ws://127.0.0.1:8786", "127.0.0.1:8786"])
def test_other_protocol_without_certificates_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="are not, so it begins with tcp://"):
        settings(address)


def test_both_sides_show_certificates(certificates: dict[str, Path]) -> None:
    security = settings("tls://dask-scheduler:8786", certificates).cluster_security
    assert security.require_encryption
    for role in ("client", "scheduler", "worker"):
        assert security.get_tls_config_for_role(role) == {
            "ca_file": str(certificates["dask_tls_ca_file"]),
            "cert": str(certificates["dask_tls_cert_file"]),
            "key": str(certificates["dask_tls_key_file"]),
            "ciphers": None,
        }


def test_certificates_are_not_ignored(certificates: dict[str, Path]) -> None:
    with pytest.raises(ValidationError, match="are set, so it begins with tls://"):
        settings("tcp://127.0.0.1:8786", certificates)


@pytest.mark.parametrize("name", ["ca", "cert", "key"])
def test_incomplete_certificates_are_refused(certificates: dict[str, Path], name: str) -> None:
    del certificates[f"dask_tls_{name}_file"]
    with pytest.raises(ValidationError, match="belong together"):
        settings("tls://dask-scheduler:8786", certificates)


@pytest.mark.parametrize("name", ["ca", "cert", "key"])
def test_missing_file_is_refused(certificates: dict[str, Path], name: str) -> None:
    certificates[f"dask_tls_{name}_file"].unlink()
    with pytest.raises(ValidationError, match="no usable certificate"):
        settings("tls://dask-scheduler:8786", certificates)
