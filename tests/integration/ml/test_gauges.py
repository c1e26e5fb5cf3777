"""Gauges of the queue on `/metrics`."""

from prometheus_client import REGISTRY
from tests.integration.ml.service import ADA, BOB, Service, eventually

from ml_service.jobs.estimates import QueueEstimates


async def test_gauges_show_jobs_by_state_and_workers(idle: Service) -> None:
    for user in (ADA, ADA, BOB):
        await idle.start(user)

    async def workers_are_shown() -> bool:
        """Repeat the measurement, as the service itself measures zero workers."""
        await QueueEstimates(idle.app.state.container.database, lambda: 4).measure()
        return REGISTRY.get_sample_value("farebox_workers") == 4

    await eventually(workers_are_shown)
    shown = [REGISTRY.get_sample_value("farebox_jobs", {"state": state}) for state in ("queued", "running")]
    assert shown == [3, 0]
