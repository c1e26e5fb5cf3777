"""Modules that a worker needs for its tasks, imported before the first one.

A fork server imports this module, so that all workers share their memory; in a container each imports it.
"""

import gc
from importlib import import_module

MODULES = (
    "joblib",
    "ml_service.learning.cross_validation",
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

gc.disable()
for name in MODULES:
    import_module(name)
# Otherwise the first full collection of a forked worker would write to every object, and so copy every page.
gc.freeze()
gc.enable()
