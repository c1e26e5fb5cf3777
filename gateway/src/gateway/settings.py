"""What can be set at the gateway, from the environment."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from gateway.admission.rates import Policies, read_policies
from gateway.routing import Body, Upstream
from kit.settings import Port, ServiceSettings

MEBIBYTE = 1024 * 1024
REST_OF_THE_FORM = MEBIBYTE
Network = IPv4Network | IPv6Network
Bytes = Annotated[int, Field(ge=1024)]


class GatewaySettings(ServiceSettings):
    billing_url: str = "http://127.0.0.1:8002"
    ml_url: str = "http://127.0.0.1:8003"

    farebox_rate_limits: str = "default"
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    metrics_host: str = "127.0.0.1"
    metrics_port: Port | None = None

    json_limit_bytes: Bytes = MEBIBYTE
    rows_limit_bytes: Bytes = 16 * MEBIBYTE
    max_csv_bytes: Bytes = 50 * MEBIBYTE

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def networks(cls, value: object) -> object:
        return (
            tuple(ip_network(each.strip()) for each in value.split(",")) if isinstance(value, str) else value
        )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def origins(cls, value: object) -> object:
        return tuple(each.strip() for each in value.split(",")) if isinstance(value, str) else value

    @field_validator("farebox_rate_limits")
    @classmethod
    def readable(cls, value: str) -> str:
        read_policies(value)
        return value

    @property
    def policies(self) -> Policies:
        return read_policies(self.farebox_rate_limits)

    @property
    def upstream_urls(self) -> dict[Upstream, str]:
        return {
            Upstream.AUTH: self.auth_url.rstrip("/"),
            Upstream.BILLING: self.billing_url.rstrip("/"),
            Upstream.ML: self.ml_url.rstrip("/"),
        }

    @property
    def body_limits(self) -> dict[Body, int]:
        return {
            Body.JSON: self.json_limit_bytes,
            Body.ROWS: self.rows_limit_bytes,
            Body.UPLOAD: self.max_csv_bytes + REST_OF_THE_FORM,
        }
