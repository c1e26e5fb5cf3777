"""Diagnosis of the installation: the gateway's own findings, and those that each service reports."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_address

import httpx
from pydantic import ValidationError

from gateway.routing import Upstream
from gateway.settings import GatewaySettings
from kit.background import SingleFlight
from kit.checks import Check, is_in_container, log_checks, own_listeners, run_checks
from kit.findings import Diagnosis, Finding, Listener, failed, find_clock, ok, warning
from kit.service_tokens import ServiceIdentity

# The ledger of a large installation is verified for minutes.
DIAGNOSIS_SECONDS = 290.0
CONNECT_SECONDS = 5.0
# The resolution of a Date header.
HEADER_SECONDS = 1.0
READ_LOG = "Start it, or read its log; it must answer at its address in the gateway's settings."
COMPARE_SECRETS = "Compare JWT_SECRET and SERVICE_SECRET of both, and the clocks of their machines."
ADD_PROXY = "Put a proxy with TLS in front and set TRUSTED_PROXIES, or set HOST=127.0.0.1."


@dataclass(frozen=True, slots=True)
class ServiceFindings:
    name: str
    findings: Sequence[Finding]


class InstallationDiagnosis:
    def __init__(
        self,
        client: httpx.AsyncClient,
        identity: ServiceIdentity,
        urls: Mapping[Upstream, str],
        own: Sequence[Check],
    ) -> None:
        self._client, self._identity, self._urls, self._own = client, identity, urls, own
        self._running: SingleFlight[str, list[ServiceFindings]] = SingleFlight()

    async def run(self) -> list[ServiceFindings]:
        """The findings of the gateway, then of each service; concurrent requests share one diagnosis."""
        return await self._running.run("installation", self._run)

    async def _run(self) -> list[ServiceFindings]:
        own, *others = await asyncio.gather(
            run_checks(self._own), *(self._diagnose(upstream) for upstream in self._urls)
        )
        names = [f"{upstream.value}-service" for upstream in self._urls]
        services = [ServiceFindings(name, findings) for name, findings in zip(names, others, strict=True)]
        return [ServiceFindings("gateway", own), *services]

    async def _diagnose(self, upstream: Upstream) -> list[Finding]:
        name = f"{upstream.value}-service"
        timeout = httpx.Timeout(DIAGNOSIS_SECONDS, connect=CONNECT_SECONDS)
        sent = time.time()
        try:
            response = await self._client.get(
                self._urls[upstream] + "/internal/diagnosis",
                headers=self._identity.headers_for(name),
                timeout=timeout,
            )
        except httpx.TimeoutException:
            return [failed("service", "The service did not answer in time.", READ_LOG)]
        except httpx.TransportError:
            return [failed("service", "The service cannot be reached.", READ_LOG)]
        return read_findings(response, sent, time.time())


def read_findings(response: httpx.Response, sent: float, returned: float) -> list[Finding]:
    """The findings in a service's response to a request of these times, with one about its clock."""
    if not response.is_success:
        return [_refusal(response.status_code), *_clock_of_header(response, sent, returned)]
    try:
        diagnosis = Diagnosis.model_validate_json(response.content)
    except ValidationError:
        return [failed("service", "The service's response is not a diagnosis.", READ_LOG)]
    # As in NTP: the time that the service needed is no part of the uncertainty.
    ahead = ((diagnosis.received_at - sent) + (diagnosis.answered_at - returned)) / 2
    uncertainty = ((returned - sent) - (diagnosis.answered_at - diagnosis.received_at)) / 2
    return [find_clock("clock", ahead, max(0.0, uncertainty)), *diagnosis.findings]


def _refusal(status: int) -> Finding:
    if status == HTTPStatus.UNAUTHORIZED:
        return failed("service", "The service refuses the gateway's service token.", COMPARE_SECRETS)
    if status == HTTPStatus.NOT_FOUND:
        detail = "The service is of a release without a diagnosis."
        return failed("service", detail, "Upgrade it to the gateway's release.")
    return failed("service", f"The service answers with status {status}.", READ_LOG)


def _clock_of_header(response: httpx.Response, sent: float, returned: float) -> list[Finding]:
    """A service refuses tokens when its clock is very wrong, so its Date header matters most then."""
    try:
        date: datetime = parsedate_to_datetime(response.headers["date"])
    except (KeyError, ValueError):
        return []
    ahead = date.timestamp() - (sent + returned) / 2
    return [find_clock("clock", ahead, (returned - sent) / 2 + HEADER_SECONDS)]


def own_checks(
    settings: GatewaySettings, listeners: Callable[[], Sequence[Listener]] = own_listeners
) -> list[Check]:
    async def settings_and_addresses() -> Sequence[Finding]:
        in_container = is_in_container()
        return [
            find_entrance(await asyncio.to_thread(listeners), has_proxy=bool(settings.trusted_proxies)),
            find_rate_limits(has_policies=bool(settings.policies)),
            find_metrics(settings.metrics_host, settings.metrics_port, in_container=in_container),
        ]

    return [Check("addresses", settings_and_addresses), *log_checks(settings)]


def find_entrance(listeners: Sequence[Listener], *, has_proxy: bool) -> Finding:
    """The finding about the gateway's addresses; whether TLS is in front is known by TRUSTED_PROXIES only."""
    listed = ", ".join(str(each) for each in listeners) or "unknown addresses"
    proxies = "set" if has_proxy else "not set"
    detail = f"It listens on {listed}; TRUSTED_PROXIES is {proxies}."
    if has_proxy or all(each.is_loopback for each in listeners):
        return ok("addresses", detail)
    return warning("addresses", f"{detail} Passwords would cross the network without TLS.", ADD_PROXY)


def find_rate_limits(*, has_policies: bool) -> Finding:
    if has_policies:
        return ok("rate limits", "Requests are limited by class.")
    return warning("rate limits", "Requests are not limited.", "Set FAREBOX_RATE_LIMITS=default.")


def find_metrics(host: str, port: int | None, *, in_container: bool) -> Finding:
    """The finding about the separate port of the metrics, which need no login."""
    if port is None:
        return ok("metrics", "Metrics are not served.")
    detail = f"Metrics are served on {host}:{port}."
    if in_container or _is_loopback(host):
        return ok("metrics", detail)
    advice = "Set METRICS_HOST=127.0.0.1, or let a firewall admit the monitoring only."
    return warning("metrics", f"{detail} Other machines may read them.", advice)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
