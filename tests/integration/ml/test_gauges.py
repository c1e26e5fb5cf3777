"""What waits and runs, as `/metrics` shows it."""

from prometheus_client import REGISTRY
from tests.integration.ml.service import ADA, BOB, Service

from ml_service.jobs.gauges import measure


async def test_jobs_are_counted_by_their_state_and_workers_beside_them(idle: Service) -> None:
    for user in (ADA, ADA, BOB):
        await idle.start(user)
    await measure(idle.app.state.database, lambda: 4)
    shown = [REGISTRY.get_sample_value("farebox_jobs", {"state": state}) for state in ("queued", "running")]
    assert shown == [3, 0]
    assert REGISTRY.get_sample_value("farebox_workers") == 4
