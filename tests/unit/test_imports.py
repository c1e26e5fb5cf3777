"""Packages that a program imports at its start; each costs memory for as long as it runs."""

import json
import subprocess
import sys

import pytest

LEARNING = {"sklearn", "scipy", "pandas", "treelite", "joblib", "skops", "onnx", "skl2onnx", "vl_convert"}
CHARTS = {"altair", "matplotlib", "bokeh", "plotly"}
SERVICES = {"fastapi", "uvicorn", "sqlalchemy", "aiohttp", "httpx"}
# Starts of a new interpreter, which take a second on a busy machine.
pytestmark = pytest.mark.slow


def imported_with(*modules: str) -> set[str]:
    """Names of all modules after the import of these, in an interpreter of their own."""
    script = f"import json, sys, {', '.join(modules)}; print(json.dumps(list(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)  # noqa: S603 - our own command
    return set(json.loads(output.stdout))


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("ml_service.main", LEARNING | CHARTS | {"dask.dataframe", "dask.array"}),
        ("ml_service.learning.tasks", LEARNING | CHARTS | SERVICES),
        ("ml_service.learning.calls", LEARNING | CHARTS | SERVICES | {"numpy", "pyarrow"}),
        ("ml_service.learning.workers", LEARNING | CHARTS | SERVICES | {"pyarrow"}),
        ("ml_service.datasets.inspection", LEARNING | CHARTS | SERVICES | {"distributed"}),
        ("ml_service.store.reader_process", LEARNING | CHARTS | SERVICES | {"numpy", "asyncio"}),
        ("ml_service.__main__", LEARNING | CHARTS | SERVICES | {"numpy"}),
        ("auth_service.main", LEARNING | CHARTS | {"numpy"}),
        ("billing_service.main", LEARNING | CHARTS | {"numpy"}),
        ("gateway.main", LEARNING | CHARTS | {"numpy", "alembic"}),
        ("dashboard.server", LEARNING | CHARTS | {"numpy", "pyarrow"}),
        ("dashboard.pages.account", LEARNING | CHARTS | {"numpy", "pyarrow"}),
        ("dashboard.widgets.model_summary", LEARNING | CHARTS | {"numpy", "pyarrow"}),
        ("local.__main__", LEARNING | CHARTS | SERVICES | {"alembic", "supervisor.supervisord"}),
        ("local.launch", SERVICES | {"psutil", "pydantic", "asyncio"}),
    ],
)
def test_program_imports_no_package_that_it_needs_later_or_never(module: str, unwanted: set[str]) -> None:
    assert imported_with(module) & unwanted == set()


def test_workers_import_everything_before_they_are_forked() -> None:
    preloaded = imported_with("ml_service.learning.preload")
    needed = {"sklearn.ensemble", "sklearn.neighbors", "sklearn.linear_model", "sklearn.dummy", "treelite"}
    assert needed | {"pandas", "joblib", "ml_service.learning.cross_validation"} <= preloaded
    assert not preloaded & (CHARTS | {"fastapi", "sqlalchemy", "aiohttp", "httpx"})
