"""Faults of inputs: work and answers that grow beyond their bounds."""

from tests.planted.fault import Fault

LEARNING = "ml-service/src/ml_service/learning"
PREDICTORS = "tests/unit/ml/learning/predictors/test_predictor.py"
TABLES = "tests/unit/ml/learning/tables"
PROBLEMS = "tests/unit/kit/test_problems.py"

INPUTS = [
    Fault(
        "quadratic-pattern",
        f"{LEARNING}/tables/number_notation.py",
        r'    ".": re.compile(rf"^[+-]?(\d+(\.\d*)?|\.\d+){_EXPONENT}$", re.ASCII),',
        r'    ".": re.compile(rf"^[+-]?(\d+\.?\d*|\.\d+){_EXPONENT}$", re.ASCII),',
        "tests/unit/test_patterns.py::test_pattern_takes_linear_time",
    ),
    Fault(
        "number-of-any-length",
        f"{LEARNING}/tables/cells.py",
        "    def _number_in(self, cell: str) -> float | None:\n        if len(cell) > LONGEST_NUMBER:\n",
        "    def _number_in(self, cell: str) -> float | None:\n        if False:\n",
        f"{PREDICTORS}::test_cell_of_the_wrong_type_is_refused_with_its_feature",
    ),
    Fault(
        "text-of-any-length",
        f"{LEARNING}/tables/cells.py",
        "        if len(cell) > LONGEST_TEXT:\n",
        "        if False:\n",
        f"{PREDICTORS}::test_cell_of_the_wrong_type_is_refused_with_its_feature",
    ),
    Fault(
        "cell-of-any-length",
        f"{LEARNING}/tables/distinct_texts.py",
        "        if (pc.max(pc.utf8_length(made.texts)).as_py() or 0) > source.cell_length:\n",
        "        if False:\n",
        f"{TABLES}/test_hostile_files.py::test_refused_file_names_line_and_column",
    ),
    Fault(
        "any-number-of-warnings",
        f"{LEARNING}/predictors/encoding.py",
        "        if self.count <= MOST_WARNINGS:\n",
        "        if True:\n",
        f"{PREDICTORS}::test_warnings_beyond_the_limit_are_counted_only",
    ),
    Fault(
        "any-number-of-rows",
        f"{LEARNING}/predictors/predictor.py",
        "        if len(rows) > self.most_rows:\n",
        "        if False:\n",
        f"{PREDICTORS}::test_rows_of_a_wide_model_are_limited",
    ),
    Fault(
        "any-number-of-faults",
        "kit/src/kit/problems.py",
        "    faults = error.errors()[:MOST_FAULTS]\n",
        "    faults = error.errors()\n",
        f"{PROBLEMS}::test_faults_of_a_long_list_are_bounded",
    ),
    Fault(
        "json-of-any-length",
        "kit/src/kit/app.py",
        "        if len(body) > LARGEST_JSON:\n",
        "        if False:\n",
        f"{PROBLEMS}::test_body_that_would_stop_the_event_loop_is_too_large",
    ),
    Fault(
        "upload-of-any-length",
        "ml-service/src/ml_service/store/uploads.py",
        "        if self.size > self._limit:\n",
        "        if False:\n",
        "tests/unit/ml/store/test_store.py::test_upload_is_refused_at_first_byte_over_limit",
    ),
    Fault(
        "model-of-any-size",
        f"{LEARNING}/training/saving.py",
        "        if self._left < 0:\n",
        "        if False:\n",
        "tests/unit/ml/learning/training/test_saving.py::test_files_of_a_model_are_limited_together",
    ),
    Fault(
        "model-of-any-size-loaded",
        "ml-service/src/ml_service/models/model_cache.py",
        "    def _require_loadable(self, user_id: UserId, size: int) -> None:\n"
        "        if size > self._max_bytes:\n",
        "    def _require_loadable(self, user_id: UserId, size: int) -> None:\n        if False:\n",
        "tests/unit/ml/models/test_model_cache.py::test_model_above_the_limit_is_refused",
    ),
]
