"""What models are called where people choose among them."""

import re
from collections.abc import Sequence

from dashboard.wording.figures import local, words
from farebox.results.models import Model

OWNER = re.compile(r"^\d+_")
MADE_UP = re.compile(r"\d+_[a-z_]+_\d{8}_\d{6}_\d+")


def given_name(name: str) -> str | None:
    """Without the owner's number, which all their models begin with; None when the service made it up."""
    return OWNER.sub("", name) if MADE_UP.fullmatch(name) is None else None


def brief_names(models: Sequence[Model]) -> dict[str, str]:
    """Something short for each, by which they can be told apart."""
    brief = {each.name: given_name(each.name) or _by_its_time(each) for each in models}
    return brief if len(set(brief.values())) == len(brief) else {name: name for name in brief}


def _by_its_time(model: Model) -> str:
    return f"{words(model.type)}, {local(model.created_at):%d %b %H:%M:%S}"
