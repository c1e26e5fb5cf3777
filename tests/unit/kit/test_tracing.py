"""Traces cost nothing where nobody asked for them."""

import subprocess
import sys


def test_no_span_is_made_or_sent_unless_it_is_on() -> None:
    parts = ("kit.tracing", "opentelemetry.sdk", "opentelemetry.exporter")
    script = f"import kit.app, sys; print(*(name for name in sys.modules if name.startswith({parts})))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    assert found.stdout.strip() == ""
