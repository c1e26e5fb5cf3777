"""Settings of a reading in uploads, corrections and trainings."""

import json

import pytest
from tests.unit.client.gateway import Caller, Gateway, ok
from tests.unit.client.samples import NOW

from farebox.errors import InvalidArgument
from farebox.resources.datasets import ReadingSettings
from farebox.results.datasets import Dataset

DATASETS = ("POST", "/v1/datasets")
SETTINGS = ReadingSettings(
    encoding="cp1252",
    quote="",
    header=False,
    skip_top=2,
    missing=["-", "n/a"],
    columns={"day": {"type": "date", "format": "%d.%m.%Y"}},
)


def dataset(**changes: object) -> dict[str, object]:
    return {
        "id": 3,
        "name": "t.csv",
        "sha256": "00",
        "size_bytes": 4,
        "rows": 1,
        "column_count": 1,
        "created_at": NOW,
        "format": "csv",
        "dialect": None,
        "reading": {"encoding": "cp1252", "columns": {"day": {"type": "date", "format": "%d.%m.%Y"}}},
        "corrections": {"encoding": "cp1252", "columns": {}},
        "duplicate_rows": 0,
        "columns": [],
        "findings": [],
        "suggested": {"label": None, "features": []},
        **changes,
    }


def test_settings_of_an_upload_are_fields_of_its_form(caller: Caller, gateway: Gateway) -> None:
    gateway.on(*DATASETS, ok(dataset(), 201))
    uploaded = caller.run(lambda client: client.datasets.upload(b"a\n1\n", reading=SETTINGS))

    content = gateway.requests_to(*DATASETS)[0].content.decode()
    fields = {
        part.partition('name="')[2].partition('"')[0]: part.partition("\r\n\r\n")[2].rstrip("\r\n")
        for part in content.split("--" + content[2:34])
    }
    assert fields["encoding"] == "cp1252"
    assert fields["quote"] == ""
    assert {name: json.loads(fields[name]) for name in ("header", "skip_top", "missing", "columns")} == {
        "header": False,
        "skip_top": 2,
        "missing": ["-", "n/a"],
        "columns": {"day": {"type": "date", "format": "%d.%m.%Y"}},
    }
    assert uploaded.reading.columns["day"].format == "%d.%m.%Y"
    assert uploaded.corrections.encoding == "cp1252"


def test_upload_without_settings_sends_the_file_alone(caller: Caller, gateway: Gateway) -> None:
    gateway.on(*DATASETS, ok(dataset(), 201))
    caller.run(lambda client: client.datasets.upload(b"a\n1\n"))

    assert gateway.requests_to(*DATASETS)[0].content.count(b"form-data") == 1


def test_dry_run_of_a_correction_returns_a_preview(caller: Caller, gateway: Gateway) -> None:
    preview = {"columns": ["a"], "rows": [[1], [None]]}
    gateway.on("PATCH", "/v1/datasets/3", ok(dataset(preview=preview)))
    corrected = caller.run(lambda client: client.datasets.correct(3, reading=SETTINGS, dry_run=True))

    (request,) = gateway.requests_to("PATCH", "/v1/datasets/3")
    assert request.url.params["dry_run"] == "true"
    assert json.loads(request.content) == {"kinds": {}, "reading": dict(SETTINGS)}
    assert corrected.preview.rows == [[1], [None]]


def test_correction_of_kinds_is_stored(caller: Caller, gateway: Gateway) -> None:
    gateway.on("PATCH", "/v1/datasets/3", ok(dataset()))
    caller.run(lambda client: client.datasets.correct(3, {"zip": "text"}))

    (request,) = gateway.requests_to("PATCH", "/v1/datasets/3")
    assert "dry_run" not in request.url.params
    assert json.loads(request.content) == {"kinds": {"zip": "text"}, "reading": {}}


def test_settings_for_an_uploaded_dataset_are_refused_before_a_training(
    caller: Caller, gateway: Gateway
) -> None:
    uploaded = Dataset.model_validate(dataset())
    with pytest.raises(InvalidArgument, match=r"datasets\.correct"):
        caller.run(lambda client: client.models.train(uploaded, "a", reading=SETTINGS))
    assert gateway.requests == []
