"""Settings of the gateway, from the environment."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from gateway.admission.body import Pace
from gateway.admission.rate_limiter import Policies, parse_policies
from gateway.admission.trusted_proxies import Network
from gateway.routing import Body, Upstream
from kit.settings import Port, ServiceSettings

MEBIBYTE = 1024 * 1024
OTHER_FORM_FIELDS = MEBIBYTE
Bytes = Annotated[int, Field(ge=1024)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


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

    # Of one user, or of one address on routes without login.
    max_requests_in_flight: Count = 50
    max_open_streams: Count = 10
    # The slowest body: its longest silence, its lowest rate and its longest duration.
    body_silence_seconds: Seconds = 20
    body_bytes_per_second: Count = 8192
    body_seconds: Seconds = 600

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def parse_networks(cls, value: object) -> object:
        return (
            tuple(ip_network(network.strip()) for network in value.split(","))
            if isinstance(value, str)
            else value
        )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def parse_origins(cls, value: object) -> object:
        return tuple(origin.strip() for origin in value.split(",")) if isinstance(value, str) else value

    @field_validator("farebox_rate_limits")
    @classmethod
    def check_rate_limits(cls, value: str) -> str:
        parse_policies(value)
        return value

    @property
    def policies(self) -> Policies:
        return parse_policies(self.farebox_rate_limits)

    @property
    def pace(self) -> Pace:
        return Pace(self.body_silence_seconds, self.body_bytes_per_second, self.body_seconds)

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
            Body.UPLOAD: self.max_csv_bytes + OTHER_FORM_FIELDS,
        }
