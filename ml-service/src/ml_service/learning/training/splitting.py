"""Which rows are learnt from and which are tested on."""

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from ml_service.learning.training.frames import Labels
from ml_service.learning.training.rules import Plan
from ml_service.learning.training.spec import TrainingSpec

Positions = npt.NDArray[np.int64]


def split(labels: Labels, plan: Plan, spec: TrainingSpec) -> tuple[Positions, Positions]:
    """The positions of the training rows and of the test rows."""
    training, test = train_test_split(
        np.arange(len(labels)),
        train_size=spec.train_fraction,
        random_state=spec.seed,
        stratify=labels if plan.stratified else None,
    )
    return np.asarray(training), np.asarray(test)
