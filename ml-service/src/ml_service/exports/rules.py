"""What a bundle says of a model, made from what is known of its features."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

Json = dict[str, Any]  # Any: decoded JSON
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MISSING_SHARE = 0.05
TYPES = {"number": "number", "text": "string", "date": "string"}


def schema_of(model: str, features: Sequence[Json]) -> Json:
    """A JSON Schema of one row; null is a cell that is not known."""
    return {
        "$schema": DIALECT,
        "title": f"A row for {model}",
        "type": "object",
        "properties": {each["name"]: _property_of(each) for each in features},
        "required": [each["name"] for each in features],
        "additionalProperties": False,
    }


def _property_of(feature: Json) -> Json:
    known = {"type": [TYPES.get(feature["kind"], "string"), "null"], "examples": [feature["example"]]}
    if feature["kind"] == "text":
        return known | {"description": "Others count as missing.", "anyOf": [{"enum": _known(feature)}, {}]}
    span = f"From {feature['minimum']} to {feature['maximum']} in the rows it was trained on."
    return known | {"description": span} | ({"format": "date"} if feature["kind"] == "date" else {})


def _known(feature: Json) -> list[str]:
    return list(feature["categories"])


def golden_rows(features: Sequence[Json], example: Mapping[str, object], count: int) -> list[Json]:
    """The model's example and rows drawn from what its features were seen to be: the same for each export."""
    drawn = random.Random(0)  # noqa: S311 - a sample, not a secret
    return [
        dict(example),
        *({each["name"]: _draw(each, drawn) for each in features} for _ in range(count - 1)),
    ]


def _draw(feature: Json, drawn: random.Random) -> object:
    if drawn.random() < MISSING_SHARE:
        return None
    if feature["kind"] == "text":
        return drawn.choice(feature["categories"] or [None])
    low, high = feature["minimum"], feature["maximum"]
    if low is None or high is None:
        return None
    if feature["kind"] == "date":
        first, last = datetime.fromisoformat(low), datetime.fromisoformat(high)
        return (first + (last - first) * drawn.random()).isoformat(timespec="seconds")
    return drawn.randint(int(low), int(high)) if feature.get("whole") else drawn.uniform(low, high)
