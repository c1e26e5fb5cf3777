"""How models are named."""

import re
from datetime import datetime

LONGEST_GIVEN_NAME = 100
NAME = re.compile(r"[0-9]{1,19}_[A-Za-z0-9._-]{1,120}")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


def automatic_name(user_id: int, model_type: str, now: datetime) -> str:
    """`{user_id}_{model_type}_{YYYYmmdd_HHMMSS_micros}`."""
    return f"{user_id}_{model_type}_{now:%Y%m%d_%H%M%S_%f}"


def given_name(user_id: int, wanted: str) -> str | None:
    """`{user_id}_{sanitised}`; None when nothing usable is left of what was wanted."""
    sanitised = _NOT_IN_NAMES.sub("_", wanted.strip()).strip("._-")[:LONGEST_GIVEN_NAME]
    return f"{user_id}_{sanitised}" if sanitised else None


def is_a_name(text: str) -> bool:
    """Whether a model could be called this; anything else need not be looked up."""
    return NAME.fullmatch(text) is not None
