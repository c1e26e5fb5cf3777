"""Bundle of a model for use outside Farebox: a zip with the pipeline, ONNX, schema, report and samples.

A reader process writes it, and alone imports skops, pandas and ONNX.
"""

import csv
import hashlib
import io
import json
import random
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from ml_service.exports.signing import sign
from ml_service.learning.predictors import load_pipeline, read_report
from ml_service.learning.predictors.artefacts import PIPELINE, recorded_sizes
from ml_service.learning.reports.page import render_page
from ml_service.learning.reports.report import complete_report
from ml_service.learning.tables import Json
from ml_service.store.files import Files

SAMPLE_ROWS = 20
COMPARED_ROWS = 100
# cryptography only checks signatures.
REQUIREMENTS = ("scikit-learn", "skops", "pandas", "numpy", "scipy", "cryptography")
README = Path(__file__).with_name("bundle_readme.md")
MISSING_SHARE = 0.05
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_TYPES = {"number": "number", "text": "string", "date": "string"}


@dataclass(frozen=True, slots=True)
class BundleTask:
    """A model's artefact in the store, the records of its files, its description, and the private key."""

    store_url: str
    artefact: str
    files: Json
    model: str
    created_at: str
    description: Json
    signing_key: bytes = field(repr=False)


def write_bundle(task: BundleTask, location: str) -> int:
    """Write the zip to this location in the store; returns its size in bytes."""
    files = Files(task.store_url)
    with files.on_disk(task.artefact) as folder, files.open_to_write(location) as written:
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
            _write_contents(task, folder, Bundle(archive))
        files.flush(written)
    return files.size(location)


class Bundle:
    """A zip in writing, with the SHA-256 of each file."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.digests: dict[str, str] = {}

    def add(self, name: str, content: bytes) -> None:
        self.digests[name] = hashlib.sha256(content).hexdigest()
        self._archive.writestr(name, content)

    def add_pipeline(self, name: str, pipeline: Any) -> None:  # Any: a scikit-learn pipeline
        """Write a pipeline as skops does, which has it in memory once more meanwhile."""
        from skops import io as skops

        with self._archive.open(name, "w", force_zip64=True) as entry:
            file = _HashedFile(entry)
            skops.dump(pipeline, file)  # type: ignore[arg-type]
        self.digests[name] = file.digest.hexdigest()


class _HashedFile:
    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def write(self, content: bytes | memoryview) -> int:
        self.digest.update(content)
        return self._file.write(content)


def _write_contents(task: BundleTask, folder: Path, bundle: Bundle) -> None:
    from ml_service.exports import score
    from ml_service.learning.predictors import dates

    pipeline = load_pipeline(folder, task.files)
    kinds = {feature["name"]: feature["kind"] for feature in task.description["features"]}
    bundle.add_pipeline(score.PIPELINE, pipeline)
    bundle.add("schema.json", _json(schema_of(task.model, task.description["features"])))
    bundle.add("score.py", Path(score.__file__).read_bytes())
    bundle.add("README.md", README.read_bytes())
    bundle.add("requirements.txt", "".join(f"{name}=={version(name)}\n" for name in REQUIREMENTS).encode())
    for name, content in {**_samples(task.description, pipeline), **_report_of(task, folder)}.items():
        bundle.add(name, content)
    if "date" in kinds.values():
        bundle.add("dates.py", Path(dates.__file__).read_bytes())
    no_onnx = _add_onnx(task, folder, bundle, pipeline, kinds)
    manifest = _json(_manifest(task, kinds, bundle.digests, no_onnx))
    bundle.add(score.MANIFEST, manifest)
    bundle.add(score.SIGNATURE, sign(task.signing_key, manifest).encode())


def _add_onnx(
    task: BundleTask, folder: Path, bundle: Bundle, pipeline: Any, kinds: dict[str, str]
) -> str | None:  # Any: a scikit-learn pipeline
    """The reason why the bundle has no ONNX model, or None."""
    from ml_service.exports.onnx_conversion import ConversionRefused, to_onnx

    try:
        rows = _frame(_sample_csv(task.description, COMPARED_ROWS), task.description)
        size = (folder / PIPELINE).stat().st_size + recorded_sizes(task.files).restored
        bundle.add("model.onnx", to_onnx(pipeline, kinds, rows, size))
    except ConversionRefused as refused:
        return str(refused)
    return None


def _manifest(task: BundleTask, kinds: dict[str, str], digests: dict[str, str], no_onnx: str | None) -> Json:
    members = ("model_type", "task", "label", "classes", "versions")
    return {
        "model": task.model,
        **{name: task.description[name] for name in members},
        "features": kinds,
        "onnx": {"included": no_onnx is None, "reason": no_onnx},
        "files": dict(digests),
    }


def _report_of(task: BundleTask, folder: Path) -> dict[str, bytes]:
    report = read_report(folder, task.files)
    report = complete_report(report, task.model, task.created_at, task.description)
    return {"report.json": _json(report), "report.html": render_page(report).encode()}


def _samples(description: Json, pipeline: Any) -> dict[str, bytes]:  # Any: a scikit-learn pipeline
    from ml_service.exports import score

    rows = _sample_csv(description, SAMPLE_ROWS)
    expected = score.predict(pipeline, _frame(rows, description))
    return {"golden.csv": rows, "expected.json": _json(expected)}


def _frame(rows: bytes, description: Json) -> Any:  # Any: a data frame
    """The rows as the bundle's scoring script reads them."""
    from ml_service.exports import score

    kinds = {feature["name"]: feature["kind"] for feature in description["features"]}
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(rows)
        file.flush()
        return score.read_rows(Path(file.name), kinds)


def _sample_csv(description: Json, count: int) -> bytes:
    rows = sample_rows(description["features"], description["example"]["features"], count)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _json(document: Json) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def schema_of(model: str, features: Sequence[Json]) -> Json:
    """A JSON Schema of one row; null is a missing cell."""
    return {
        "$schema": SCHEMA_DIALECT,
        "title": f"A row for {model}",
        "type": "object",
        "properties": {feature["name"]: _property_of(feature) for feature in features},
        "required": [feature["name"] for feature in features],
        "additionalProperties": False,
    }


def _property_of(feature: Json) -> Json:
    schema = {"type": [SCHEMA_TYPES.get(feature["kind"], "string"), "null"], "examples": [feature["example"]]}
    if feature["kind"] == "text":
        categories = {"enum": list(feature["categories"])}
        return schema | {"description": "Other values count as missing.", "anyOf": [categories, {}]}
    span = f"From {feature['minimum']} to {feature['maximum']} in the rows it was trained on."
    return schema | {"description": span} | ({"format": "date"} if feature["kind"] == "date" else {})


def sample_rows(features: Sequence[Json], example: Mapping[str, object], count: int) -> list[Json]:
    """The model's example, and random rows within the ranges of its features, equal in each export."""
    generator = random.Random(0)  # noqa: S311 - a sample, not a secret
    drawn = ({feature["name"]: _draw(feature, generator) for feature in features} for _ in range(count - 1))
    return [dict(example), *drawn]


def _draw(feature: Json, generator: random.Random) -> object:
    if generator.random() < MISSING_SHARE:
        return None
    if feature["kind"] == "text":
        return generator.choice(feature["categories"] or [None])
    low, high = feature["minimum"], feature["maximum"]
    if low is None or high is None:
        return None
    if feature["kind"] == "date":
        first, last = datetime.fromisoformat(low), datetime.fromisoformat(high)
        return (first + (last - first) * generator.random()).isoformat(timespec="seconds")
    return generator.randint(int(low), int(high)) if feature.get("whole") else generator.uniform(low, high)
