"""What there is to do and who does it is read out of what ml-service shows to Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.health.rules import Load, read_load


def test_jobs_are_counted_by_their_state_and_workers_beside_them() -> None:
    shown = CollectorRegistry()
    jobs = Gauge("farebox_jobs", "Jobs that have not ended", ["state"], registry=shown)
    jobs.labels("queued").set(3)
    jobs.labels("running").set(2)
    Gauge("farebox_workers", "Fits at once", registry=shown).set(4)
    ended = Counter("farebox_jobs_ended_total", "Jobs that ended", ["state"], registry=shown)
    ended.labels("queued").inc(7)
    Histogram("farebox_request_seconds", "Seconds", registry=shown).observe(1)

    assert read_load(generate_latest(shown).decode()) == Load(queued=3, running=2, workers=4)


def test_figures_without_jobs_tell_nothing() -> None:
    assert read_load("# HELP up It is up\n# TYPE up gauge\nup 1\n") == Load()
