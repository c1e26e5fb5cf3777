"""How many jobs wait and run is read out of what ml-service shows to Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from gateway.health.rules import count_jobs


def test_jobs_are_counted_by_their_state() -> None:
    shown = CollectorRegistry()
    jobs = Gauge("farebox_jobs", "Jobs that have not ended", ["state"], registry=shown)
    jobs.labels("queued").set(3)
    jobs.labels("running").set(2)
    ended = Counter("farebox_jobs_ended_total", "Jobs that ended", ["state"], registry=shown)
    ended.labels("queued").inc(7)

    assert count_jobs(generate_latest(shown).decode()) == {"queued": 3, "running": 2}


def test_figures_without_jobs_tell_nothing() -> None:
    assert count_jobs("# HELP up It is up\n# TYPE up gauge\nup 1\n") == {}
