"""Orders and questions that do not fit their table or their model."""

from farebox.errors.by_status import InvalidInput, Malformed


class TrainingRefused(InvalidInput):
    """The order cannot be carried out on this table; nothing was charged."""

    code = "training_refused"


class InvalidFeature(InvalidInput):
    """What was asked does not fit the model; its schema has an example."""

    code = "invalid_feature"


class MissingFeature(InvalidFeature):
    code = "missing_feature"


class UnknownFeature(InvalidFeature):
    code = "unknown_feature"


class NoProbabilities(InvalidInput):
    """Probabilities were asked of a model that predicts numbers."""

    code = "no_probabilities"


class CoverageTooHigh(InvalidInput):
    """The model was tested on too few rows for this coverage; `largest` is the most it can promise."""

    code = "coverage_too_high"


class InvalidParameter(InvalidInput):
    """A parameter of the model type is out of range."""

    code = "invalid_parameter"


class UnknownParameter(Malformed):
    """The model type has no such parameter."""

    code = "unknown_parameter"


class ClassTooSmall(TrainingRefused):
    """A class has too few rows to learn from and to measure with."""

    code = "class_too_small"


class ConstantLabel(TrainingRefused):
    """The label is the same in every row."""

    code = "constant_label"


class DateLabel(TrainingRefused):
    code = "date_label"


class DuplicateFeature(TrainingRefused):
    code = "duplicate_feature"


class EmptyColumn(TrainingRefused):
    code = "empty_column"


class FitFailed(TrainingRefused):
    code = "fit_failed"


class InvalidTrainingSpec(TrainingRefused):
    code = "invalid_training_spec"


class LabelAmongFeatures(TrainingRefused):
    code = "label_among_features"


class LabelNotClasses(TrainingRefused):
    """The label does not look like classes; another type or task fits."""

    code = "label_not_classes"


class LabelNotNumeric(TrainingRefused):
    """The label is text, and this type predicts numbers."""

    code = "label_not_numeric"


class MissingLabels(TrainingRefused):
    """Some rows have no label; `missing_label="drop"` leaves them out."""

    code = "missing_labels"


class NoFeatures(TrainingRefused):
    code = "no_features"


class PartTooSmall(TrainingRefused):
    """Too few rows are left to learn from or to measure with."""

    code = "part_too_small"


class SingleClass(TrainingRefused):
    code = "single_class"


class SolverTakesTwoClasses(TrainingRefused):
    code = "solver_takes_two_classes"


class TaskNotOffered(TrainingRefused):
    """This type of model does not do this task."""

    code = "task_not_offered"


class TooManyClasses(TrainingRefused):
    code = "too_many_classes"


class TooManyNeighbours(TrainingRefused):
    """`n_neighbors` is above the rows to learn from."""

    code = "too_many_neighbours"


class UnknownColumn(TrainingRefused):
    code = "unknown_column"
