"""OpenAPI links that lead from what one operation creates to the operations that need it.

Schemathesis infers some from the schemas, but their bodies hardly ever train a model.
"""

from collections.abc import Mapping
from typing import Any

TABLE = b"a,b,y\n" + b"".join(f"{row},{row % 7},{2 * row + row % 3}\n".encode() for row in range(40))
FEATURES = {"a": 1, "b": 2}
DATASET = "/v1/datasets/{dataset_id}"
JOB = "/v1/jobs/{job_id}"
MODEL = "/v1/models/{name}"
COURSE_MODEL = "{model_name}"
USER = "/v1/users/{user_id}"

Source = tuple[str, str, str]
Sink = tuple[str, str]

# For each answer, the path parameter that it gives, where it stands, and the operations that take it.
PARAMETERS: Mapping[Source, tuple[str, str, tuple[Sink, ...]]] = {
    ("post", "/v1/datasets", "201"): (
        "dataset_id",
        "/id",
        (("get", DATASET), ("patch", DATASET), ("get", f"{DATASET}/findings"), ("get", f"{DATASET}/preview")),
    ),
    ("get", "/v1/datasets", "200"): ("dataset_id", "/items/0/id", (("get", DATASET), ("delete", DATASET))),
    ("post", "/v1/models", "202"): (
        "job_id",
        "/id",
        (("get", JOB), ("get", f"{JOB}/events"), ("post", f"{JOB}/cancel")),
    ),
    ("get", "/v1/jobs", "200"): (
        "job_id",
        "/items/0/id",
        (("get", JOB), ("get", f"{JOB}/events"), ("get", f"{JOB}/result"), ("post", f"{JOB}/cancel")),
    ),
    ("get", "/v1/models", "200"): (
        "name",
        "/items/0/name",
        (
            ("get", MODEL),
            ("get", f"{MODEL}/schema"),
            ("get", f"{MODEL}/report"),
            ("get", f"{MODEL}/export"),
            ("post", f"{MODEL}/predict"),
            ("post", f"{MODEL}/batch"),
            ("delete", MODEL),
        ),
    ),
    ("post", "/create", "200"): (
        "model_name",
        "/model_name",
        (
            ("get", f"/trained/{COURSE_MODEL}"),
            ("post", f"/predict/{COURSE_MODEL}"),
            ("delete", f"/delete/{COURSE_MODEL}"),
        ),
    ),
    ("get", "/trained", "200"): (
        "model_name",
        "/0",
        (("get", f"/trained/{COURSE_MODEL}"), ("post", f"/predict/{COURSE_MODEL}")),
    ),
    ("post", "/v1/purchases", "201"): ("receipt_id", "/receipt_id", (("get", "/v1/receipts/{receipt_id}"),)),
    ("post", "/v1/api-keys", "201"): ("key_id", "/id", (("delete", "/v1/api-keys/{key_id}"),)),
    ("post", "/v1/users", "201"): (
        "user_id",
        "/id",
        (("patch", USER), ("put", f"{USER}/password"), ("post", f"{USER}/grants"), ("delete", USER)),
    ),
}
TRAINING = {"dataset_id": "$response.body#/id", "type": "linear", "label": "y"}
# For each answer, the operation that takes its values in a body.
BODIES: Mapping[Source, tuple[Sink, dict[str, Any]]] = {
    ("post", "/v1/datasets", "201"): (("post", "/v1/models"), TRAINING),
    ("post", "/v1/sessions", "201"): (
        ("post", "/v1/sessions/refresh"),
        {"refresh_token": "$response.body#/refresh_token"},
    ),
}


def add_links(document: dict[str, Any]) -> int:
    """Add the links between operations of this document; returns their number."""
    number = 0
    for source, (parameter, pointer, sinks) in PARAMETERS.items():
        value = {"parameters": {parameter: f"$response.body#{pointer}"}}
        number += sum(_add(document, source, sink, value) for sink in sinks)
    for source, (sink, body) in BODIES.items():
        number += _add(document, source, sink, {"requestBody": body})
    return number


def _add(document: dict[str, Any], source: Source, sink: Sink, link: dict[str, Any]) -> bool:
    """Add a link if the document has both operations, since each service has a part of them."""
    method, path, status = source
    found = [document["paths"].get(path, {}).get(method), document["paths"].get(sink[1], {}).get(sink[0])]
    if None in found:
        return False
    name = f"{sink[0]} {sink[1]}".replace("/", "_").replace("{", "").replace("}", "").replace(" ", "")
    links = found[0]["responses"][status].setdefault("links", {})
    links[name] = {"operationId": found[1]["operationId"], **link}
    return True
