"""Diagnosis of the installation for administrators: all services, also when some do not answer."""

import time

from tests.integration.gateway.conftest import RunningGateway, StartGateway
from tests.integration.gateway.test_aggregate import set_response
from tests.integration.gateway.upstream import FakeUpstream
from tests.support.tokens import JWT_SECRET, bearer

from kit.service_tokens import ServiceIdentity
from kit.settings import ServiceSettings
from local.ports import free_port

ADMIN = bearer(1, role="admin")
PATH = "/internal/diagnosis"
PRICES = {"check": "prices", "status": "ok", "detail": "In tokens: train 1.", "advice": None}

Found = dict[tuple[str, str], dict[str, str | None]]


def diagnosis(ahead: float = 0) -> dict[str, object]:
    now = time.time() + ahead
    return {"received_at": now, "answered_at": now, "findings": [PRICES]}


async def found(gateway: RunningGateway) -> Found:
    answer = await gateway.client.get("/v1/diagnosis", headers=ADMIN)
    assert answer.status_code == 200, answer.text
    return {(finding["service"], finding["check"]): finding for finding in answer.json()["findings"]}


async def test_findings_of_gateway_and_services_are_joined(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    set_response(upstream, PATH, diagnosis())
    findings = await found(gateway)
    assert {service for service, _ in findings} == {
        "gateway",
        "auth-service",
        "billing-service",
        "ml-service",
    }
    assert findings["billing-service", "prices"] == PRICES | {"service": "billing-service"}
    assert findings["ml-service", "clock"]["status"] == "ok"
    assert f"127.0.0.1:{gateway.port}" in str(findings["gateway", "addresses"]["detail"])
    assert findings["gateway", "rate limits"]["status"] == "warning"


async def test_services_receive_service_tokens_of_the_gateway(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    set_response(upstream, PATH, diagnosis())
    await found(gateway)
    settings = ServiceSettings(jwt_secret=JWT_SECRET)  # pyright: ignore[reportArgumentType] - pydantic converts
    tokens = [str(request["headers"]["authorization"]).split()[1] for request in upstream.requests]  # pyright: ignore
    audiences = ("auth-service", "billing-service", "ml-service")
    callers = {_verified(settings, audience, tokens) for audience in audiences}
    assert callers == {"gateway"}


def _verified(settings: ServiceSettings, audience: str, tokens: list[str]) -> str:
    """The caller in the one token for this audience."""
    identity, callers = ServiceIdentity(settings, audience), list[str]()
    for token in tokens:
        try:
            callers.append(identity.verify(token))
        except Exception:  # noqa: S112 - a token for another audience
            continue
    (caller,) = callers
    return caller


async def test_slow_clock_of_a_service_is_failed(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    set_response(upstream, PATH, diagnosis(ahead=-90))
    answer = (await gateway.client.get("/v1/diagnosis", headers=ADMIN)).json()
    assert answer["status"] == "failed"
    assert (await found(gateway))["auth-service", "clock"]["status"] == "failed"


async def test_service_that_does_not_answer_is_failed_among_the_others(
    start: StartGateway, upstream: FakeUpstream
) -> None:
    gateway = await start(ml_url=f"http://127.0.0.1:{free_port()}")
    set_response(upstream, PATH, diagnosis())
    findings = await found(gateway)
    assert findings["ml-service", "service"]["status"] == "failed"
    assert findings["billing-service", "prices"]["status"] == "ok"


async def test_diagnosis_is_for_administrators_only(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    key = {"id": 1, "scopes": ["read", "train", "predict"], "cap": None}
    assert (await gateway.client.get("/v1/diagnosis")).status_code == 401
    for headers in (bearer(7), bearer(1, role="admin", api_key=key)):
        assert (await gateway.client.get("/v1/diagnosis", headers=headers)).status_code == 403
    assert upstream.requests == []


async def test_internal_route_is_not_published(gateway: RunningGateway) -> None:
    assert (await gateway.client.get(PATH, headers=ADMIN)).status_code == 404
