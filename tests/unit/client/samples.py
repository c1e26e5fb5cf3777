"""Sample response bodies of the services."""

NOW = "2026-05-04T10:00:00Z"


def job(state: str = "queued", **changes: object) -> dict[str, object]:
    return {
        "id": 7,
        "kind": "train",
        "state": state,
        "model_name": "1_penguins",
        "dataset_id": 3,
        "order": {"model_type": "random_forest"},
        "attempts": 1,
        "cancel_requested": False,
        "queue_position": None,
        "estimated_seconds": None,
        "receipt_id": None,
        "error": None,
        "started_at": None,
        "ended_at": None,
        "stage": "fitting",
        "percent": 40,
        "tokens_held": 1,
        "tokens_charged": 0,
        "created_at": NOW,
        **changes,
    }
