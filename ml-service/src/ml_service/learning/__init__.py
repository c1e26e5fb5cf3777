"""Machine learning: everything that a Dask worker imports. No database and no web framework."""

from typing import Any

Json = dict[str, Any]  # Any: decoded JSON
