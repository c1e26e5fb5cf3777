"""Names of models."""

import re
from datetime import datetime

LONGEST_GIVEN_NAME = 100
NAME = re.compile(r"[0-9]{1,19}_[A-Za-z0-9._-]{1,120}")
_UNUSABLE_CHARACTERS = re.compile(r"[^A-Za-z0-9._-]+")


def automatic_name(user_id: int, model_type: str, now: datetime) -> str:
    """`{user_id}_{model_type}_{YYYYmmdd_HHMMSS_micros}`."""
    return f"{user_id}_{model_type}_{now:%Y%m%d_%H%M%S_%f}"


def given_name(user_id: int, requested: str) -> str | None:
    """`{user_id}_{sanitised}`.

    Letters, digits, dots, underscores and hyphens stay; None if no usable character is left.
    """
    sanitised = _UNUSABLE_CHARACTERS.sub("_", requested.strip()).strip("._-")[:LONGEST_GIVEN_NAME]
    return f"{user_id}_{sanitised}" if sanitised else None


def is_model_name(text: str) -> bool:
    """False for text that cannot be the name of a model, so that no query is needed."""
    return NAME.fullmatch(text) is not None
