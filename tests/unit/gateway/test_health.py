"""Load of the system, parsed from ml-service's Prometheus metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.aggregate.health import Load, parse_load


def test_load_counts_jobs_by_state_and_workers() -> None:
    registry = CollectorRegistry()
    jobs = Gauge("farebox_jobs", "Jobs that have not ended", ["state"], registry=registry)
    jobs.labels("queued").set(3)
    jobs.labels("running").set(2)
    Gauge("farebox_workers", "Fits at once", registry=registry).set(4)
    ended = Counter("farebox_jobs_ended_total", "Jobs that ended", ["state"], registry=registry)
    ended.labels("queued").inc(7)
    Histogram("farebox_request_seconds", "Seconds", registry=registry).observe(1)

    assert parse_load(generate_latest(registry).decode()) == Load(queued=3, running=2, workers=4)


def test_load_is_unknown_without_job_metrics() -> None:
    assert parse_load("# HELP up It is up\n# TYPE up gauge\nup 1\n") == Load()
