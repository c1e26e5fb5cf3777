"""What is read out of a service's figures."""

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

JOBS, WORKERS = "farebox_jobs", "farebox_workers"


@dataclass(frozen=True, slots=True)
class Load:
    """Everybody's jobs that wait and run, and the workers that fit them; None where nobody tells."""

    queued: int | None = None
    running: int | None = None
    workers: int | None = None


def read_load(figures: str) -> Load:
    """Out of what ml-service shows to Prometheus."""
    told = {
        (each.name, sample.labels.get("state")): int(sample.value)
        for each in text_string_to_metric_families(figures)
        if each.name in (JOBS, WORKERS)
        for sample in each.samples
    }
    return Load(told.get((JOBS, "queued")), told.get((JOBS, "running")), told.get((WORKERS, None)))
