"""What a reader process does: a model's files and all that makes them useful elsewhere, in one zip."""

import csv
import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from skops import io as skops

from ml_service.exports import score
from ml_service.exports.onnx_form import NotAsOnnx, to_onnx
from ml_service.exports.rules import Json, golden_rows, schema_of
from ml_service.learning.predictors import dates, load_pipeline, read_report
from ml_service.learning.predictors.artefacts import PIPELINE
from ml_service.learning.reports.page import render_page
from ml_service.learning.reports.report import complete_report
from ml_service.store.files import Files

GOLDEN_ROWS = 20
COMPARED_ROWS = 100
NEEDED = ("scikit-learn", "skops", "pandas", "numpy", "scipy")


@dataclass(frozen=True, slots=True)
class Task:
    """Where the model lies, the SHA-256 of its files, and what is told of it."""

    store_url: str
    artefact: str
    files: Json
    model: str
    created_at: str
    description: Json


def write_bundle(task: Task, result: str) -> int:
    """Write the zip to this place in the store; gives its size."""
    files = Files(task.store_url)
    with files.on_disk(task.artefact) as folder, files.open_to_write(result) as written:
        contents = _contents_of(task, folder)
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, content in contents.items():
                bundle.writestr(name, content)
        files.flush(written)
    return files.size(result)


def _contents_of(task: Task, folder: Path) -> dict[str, bytes]:
    pipeline = load_pipeline(folder, task.files)
    kinds = {each["name"]: each["kind"] for each in task.description["features"]}
    contents = {
        "pipeline.skops": skops.dumps(pipeline),
        "schema.json": _json(schema_of(task.model, task.description["features"])),
        "score.py": Path(score.__file__).read_bytes(),
        "requirements.txt": "".join(f"{name}=={version(name)}\n" for name in NEEDED).encode(),
        **_golden(task.description, pipeline, GOLDEN_ROWS),
        **_report_of(task, folder),
    }
    if "date" in kinds.values():
        contents["dates.py"] = Path(dates.__file__).read_bytes()
    reason = None
    try:
        size = (folder / PIPELINE).stat().st_size
        contents["model.onnx"] = to_onnx(pipeline, kinds, _compared(task.description), size)
    except NotAsOnnx as why:
        reason = str(why)
    contents["MANIFEST.json"] = _json(_manifest(task, kinds, contents, reason))
    return contents


def _manifest(task: Task, kinds: dict[str, str], contents: dict[str, bytes], no_onnx: str | None) -> Json:
    told = {name: task.description[name] for name in ("model_type", "task", "label", "classes", "versions")}
    return {
        "model": task.model,
        **told,
        "features": kinds,
        "trusted_types": skops.get_untrusted_types(data=contents["pipeline.skops"]),
        "onnx": {"included": no_onnx is None, "reason": no_onnx},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    }


def _report_of(task: Task, folder: Path) -> dict[str, bytes]:
    told = read_report(folder, task.files)
    report = complete_report(told, task.model, task.created_at, task.description.get("leaderboard"))
    return {"report.json": _json(report), "report.html": render_page(report).encode()}


def _golden(description: Json, pipeline: Any, count: int) -> dict[str, bytes]:  # Any: a scikit-learn pipeline
    rows = _csv(golden_rows(description["features"], description["example"]["features"], count))
    said = score.predict(pipeline, _frame(rows, description))
    return {"golden.csv": rows, "expected.json": _json(said)}


def _compared(description: Json) -> Any:  # Any: a data frame
    rows = golden_rows(description["features"], description["example"]["features"], COMPARED_ROWS)
    return _frame(_csv(rows), description)


def _frame(rows: bytes, description: Json) -> Any:  # Any: a data frame
    """Read as the bundle's own scorer reads them."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(rows)
        file.flush()
        return score.read_rows(
            Path(file.name), {each["name"]: each["kind"] for each in description["features"]}
        )


def _csv(rows: Sequence[Json]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _json(document: Json) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
