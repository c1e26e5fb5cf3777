"""What is read out of a service's figures."""

from prometheus_client.parser import text_string_to_metric_families

JOBS = "farebox_jobs"


def count_jobs(figures: str) -> dict[str, int]:
    """How many jobs are in each state, out of what ml-service shows to Prometheus."""
    jobs = (each for each in text_string_to_metric_families(figures) if each.name == JOBS)
    return {sample.labels["state"]: int(sample.value) for each in jobs for sample in each.samples}
