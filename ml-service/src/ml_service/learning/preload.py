"""Modules that a worker needs for its tasks, imported before the first one.

A fork server imports this module, so that all workers share their memory; Dask calls `dask_setup` in each.
"""

import gc
from importlib import import_module

MODULES = (
    "joblib",
    "kit.logs",
    "ml_service.learning.challenges.tasks",
    "ml_service.learning.cross_validation",
    "ml_service.learning.model_types.forest_estimators",
    "ml_service.learning.predictors.dates",
    "ml_service.learning.tasks",
    "ml_service.learning.training.pipeline",
    "pyarrow.pandas_compat",
    "pyarrow.parquet",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.neighbors",
    "treelite",
)


def dask_setup(_worker: object) -> None:
    """Write the logs of a worker as those of all programs: Dask's own would quote cells of users' tables."""
    from kit.logs import configure_logging

    configure_logging("dask-worker", "INFO", None)


gc.disable()
for name in MODULES:
    import_module(name)
# Otherwise the first full collection of a forked worker would write to every object, and so copy every page.
gc.freeze()
gc.enable()
