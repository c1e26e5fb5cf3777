"""Machine learning: everything that a Dask worker imports. No database and no web framework."""
