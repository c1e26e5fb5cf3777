"""Machine learning: the code of Dask workers, without database and web framework."""
