"""Tracing is imported only if it is enabled."""

import subprocess
import sys


def test_tracing_is_not_imported_unless_enabled() -> None:
    parts = ("kit.tracing", "opentelemetry.sdk", "opentelemetry.exporter")
    script = f"import kit.app, sys; print(*(name for name in sys.modules if name.startswith({parts})))"
    completed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    assert completed.stdout.strip() == ""
