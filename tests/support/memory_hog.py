"""Tasks that a nanny kills for their memory, as a fit whose memory nobody foresaw."""

import time

from distributed import get_worker

from ml_service.learning.tasks import PROGRESS_TOPIC, TableFile, score_on_worker

BLOCK_BYTES = 50_000_000
# A nanny looks at the memory every 200 ms; a system without memory would kill more than the worker.
BLOCK_SECONDS = 0.02


def take_memory(key: str, *_arguments: object) -> None:
    """Report a stage and take memory until the process is killed."""
    get_worker().log_event(PROGRESS_TOPIC, {"key": key, "stage": "fitting"})
    blocks: list[bytes] = []
    while True:
        blocks.append(b"x" * BLOCK_BYTES)
        time.sleep(BLOCK_SECONDS)


def score_all_but_forests(key: str, table: TableFile, spec: dict[str, object]) -> object:
    if spec["model_type"] == "random_forest":
        take_memory(key)
    return score_on_worker(key, table, spec)
