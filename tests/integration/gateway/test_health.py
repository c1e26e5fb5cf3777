"""System health for administrators."""

from tests.integration.gateway.conftest import RunningGateway, StartGateway
from tests.integration.gateway.test_aggregate import set_response
from tests.integration.gateway.upstream import FakeUpstream
from tests.support.tokens import bearer

from local.ports import free_port

ADMIN = bearer(1, role="admin")
METRICS = b"""# TYPE farebox_jobs gauge
farebox_jobs{state="queued"} 3.0
farebox_jobs{state="running"} 2.0
# TYPE farebox_workers gauge
farebox_workers 4.0
"""


async def test_health_lists_every_service_and_the_load(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    set_response(upstream, "/readyz", {"status": "ready"})
    set_response(upstream, "/metrics", METRICS)
    health = (await gateway.client.get("/v1/health", headers=ADMIN)).json()
    assert [(service["name"], service["ready"], service["detail"]) for service in health["parts"]] == [
        ("auth-service", True, None),
        ("billing-service", True, None),
        ("ml-service", True, None),
    ]
    assert (health["jobs_queued"], health["jobs_running"], health["workers"]) == (3, 2, 4)


async def test_health_explains_services_that_are_not_ready(
    start: StartGateway, upstream: FakeUpstream
) -> None:
    gateway = await start(ml_url=f"http://127.0.0.1:{free_port()}")
    set_response(upstream, "/readyz", {"code": "unavailable"}, 503)
    health = (await gateway.client.get("/v1/health", headers=ADMIN)).json()
    assert [service["ready"] for service in health["parts"]] == [False, False, False]
    assert "not ready" in health["parts"][0]["detail"]
    assert "cannot be reached" in health["parts"][2]["detail"]
    assert (health["jobs_queued"], health["jobs_running"], health["workers"]) == (None, None, None)


async def test_health_is_for_administrators_only(gateway: RunningGateway) -> None:
    assert (await gateway.client.get("/v1/health", headers=bearer(7))).status_code == 403
    assert (await gateway.client.get("/v1/health")).status_code == 401
