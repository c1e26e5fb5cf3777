"""Settings of the connection to Dask: its address, and the certificates of those that may take part.

Dask runs every function that a peer sends, so a connection is as good as a login on the machine. Without
certificates only loopback is accepted.
"""

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from distributed import Security
from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

NAMES = "DASK_TLS_CA_FILE, DASK_TLS_CERT_FILE and DASK_TLS_KEY_FILE"


class TlsSettings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    dask_tls_ca_file: Path | None = None
    dask_tls_cert_file: Path | None = None
    dask_tls_key_file: Path | None = None

    @property
    def protocol(self) -> str:
        return "tcp" if self.dask_tls_ca_file is None else "tls"

    def security_for(self, address: str) -> Security:
        """Credentials to connect to the address or to listen at it; raises ValueError if that is unsafe."""
        parts = urlsplit(address)
        if parts.scheme != self.protocol:
            found = "are set" if self.protocol == "tls" else "are not"
            raise ValueError(
                f"the address {address} does not fit: {NAMES} {found}, so it begins with {self.protocol}://"
            )
        if self.protocol == "tcp":
            if not _is_loopback(parts.hostname or ""):
                raise ValueError(f"the address {address} is not on loopback: use tls:// and set {NAMES}")
            return Security(require_encryption=False)
        return self._mutual_tls()

    def _mutual_tls(self) -> Security:
        authority, certificate, key = (
            str(path) for path in (self.dask_tls_ca_file, self.dask_tls_cert_file, self.dask_tls_key_file)
        )
        roles = ("client", "scheduler", "worker")
        security = Security(
            require_encryption=True,
            tls_ca_file=authority,
            **{f"tls_{role}_cert": certificate for role in roles},
            **{f"tls_{role}_key": key for role in roles},
        )
        try:
            security.get_connection_args("client")
        except OSError as error:
            raise ValueError(f"{NAMES} name no usable certificate: {error}") from None
        return security

    @model_validator(mode="after")
    def complete(self) -> "TlsSettings":
        files = (self.dask_tls_ca_file, self.dask_tls_cert_file, self.dask_tls_key_file)
        if any(files) and not all(files):
            raise ValueError(f"{NAMES} belong together: set all three or none")
        return self


class ClusterSettings(TlsSettings):
    """Settings of those that connect to the scheduler."""

    dask_scheduler_address: str = "tcp://127.0.0.1:8786"

    @model_validator(mode="after")
    def safe(self) -> "ClusterSettings":
        self.security_for(self.dask_scheduler_address)
        return self

    @property
    def cluster_security(self) -> Security:
        return self.security_for(self.dask_scheduler_address)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
