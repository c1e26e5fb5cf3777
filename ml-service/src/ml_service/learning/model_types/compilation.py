"""Compilation shared by model types: serialization of trees with treelite, and the softmax.

Trees are serialized through a file: in memory, treelite makes several copies. A forest is even converted tree
by tree, because as a whole it takes twice the memory of scikit-learn's, which is still needed.
"""

import contextlib
import copy
import fcntl
import math
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import NamedTemporaryFile, TemporaryDirectory, TemporaryFile
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ml_service.learning.model_types.protocol import ArrayFile, Matrix

# Facts about training rows, 27 of 91 bytes of a node, which a prediction does not use.
UNUSED_FIELDS = (
    *("data_count", "data_count_present", "sum_hess"),
    *("sum_hess_present", "gain", "gain_present"),
)

if TYPE_CHECKING:
    import treelite

Packed = npt.NDArray[np.uint8]

PIPE_BYTES = 1 << 20
# After the version, and the types of thresholds and outputs.
TREES_POSITION = 3 * 4 + 2
BYTES_PER_NODE = 64
# Measured: 45 ns for a node of a small forest, 130 ns for one of a forest larger than the processor's cache.
SECONDS_PER_NODE = 100e-9
# The path of a row in an unpruned tree, as a multiple of that in a balanced tree.
SPREAD = 1.3


def pack_trees(estimator: Any) -> Packed:  # Any: a fitted tree model of scikit-learn
    import treelite

    with NamedTemporaryFile() as file:
        treelite.sklearn.import_model(estimator).serialize(file.name)
        return np.fromfile(file.name, np.uint8)


def pack_forest(forest: Any) -> ArrayFile:  # Any: a fitted random forest of scikit-learn
    """Serialize a forest like `pack_trees`, with one tree at a time in memory."""
    file = TemporaryFile()  # noqa: SIM115 - its reader closes it
    for number, tree in enumerate(_serialize_trees(forest)):
        header = Header.of(tree)
        if number == 0:
            file.write(header.for_trees(len(forest.estimators_)))
        file.write(tree[header.end :])
    return ArrayFile(file)


def walk_seconds(packed: Packed) -> float:
    """Estimate the time of one core to walk down all trees of a serialized model, for one row."""
    (trees,) = struct.unpack_from("<Q", packed.data, TREES_POSITION)
    nodes = packed.size / BYTES_PER_NODE / max(trees, 1)
    return trees * (SPREAD * math.log2(max(nodes, 1)) + 1) * SECONDS_PER_NODE


def unpack_trees(packed: Packed) -> "treelite.Model":
    import treelite

    # treelite reads from a named pipe: a temporary file may lie in memory, as a copy of the model.
    with TemporaryDirectory() as folder:
        pipe = os.path.join(folder, "trees")
        os.mkfifo(pipe)
        writer = Thread(target=_write_to_pipe, args=(packed, pipe), daemon=True)
        writer.start()
        try:
            return treelite.Model.deserialize(pipe)
        finally:
            # A writer whose pipe nobody has opened would wait for ever.
            os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
            writer.join()


def _write_to_pipe(packed: Packed, path: str) -> None:
    # The reader has closed the pipe if it could not use the content.
    with contextlib.suppress(BrokenPipeError), open(path, "wb", buffering=0) as pipe:
        if sys.platform == "linux":
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        content = packed.data
        while content:
            content = content[pipe.write(content[:PIPE_BYTES]) :]


def softmax(decisions: Matrix) -> Matrix:
    """Softmax of the decision values of each row: one for each class, or a single one for two classes."""
    if decisions.shape[1] == 1:
        # The first of two classes has a decision value of 0.
        decisions = np.hstack([np.zeros_like(decisions), decisions])
    exponentials = np.exp(decisions - decisions.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@dataclass(frozen=True, slots=True)
class Header:
    """The header of treelite's serialization format, version 4, of a model of one tree.

    `count` is the position of the number of trees; `ids` to `ids_end` are the lists of the target and the
    class of each tree; `end` is the position of the first tree.
    """

    content: bytes
    count: int
    ids: int
    ids_end: int
    end: int

    @classmethod
    def of(cls, model: bytes) -> "Header":
        count = TREES_POSITION
        ids = count + 8 + 4 + 1 + 1 + 4  # after the number of features, task, averaging, number of targets
        for size in (4, 4):  # numbers of classes, shape of a leaf
            ids = _end_of_list(model, ids, size)
        ids_end = _end_of_list(model, _end_of_list(model, ids, 4), 4)
        end = _end_of_list(model, ids_end, 1) + 4 + 4  # after the postprocessor and its two parameters
        for size in (8, 1):  # base scores, attributes
            end = _end_of_list(model, end, size)
        return cls(model[: end + 4], count, ids, ids_end, end + 4)  # after the number of optional fields

    def for_trees(self, trees: int) -> bytes:
        """The header of a model of several trees with the same target and class."""
        content = self.content
        size = struct.pack("<Q", trees)
        target, class_ = content[self.ids + 8 : self.ids + 12], content[self.ids_end - 4 : self.ids_end]
        return b"".join(
            (
                *(content[: self.count], size, content[self.count + 8 : self.ids]),
                *(size, target * trees, size, class_ * trees),
                content[self.ids_end :],
            )
        )


def _serialize_trees(forest: Any) -> Iterator[bytes]:  # Any: as above
    """Each tree as a model of its own."""
    import treelite

    single = copy.copy(forest)
    single.n_estimators = 1
    for tree in forest.estimators_:
        single.estimators_ = [tree]
        model = treelite.sklearn.import_model(single)
        accessor = model.get_tree_accessor(0)
        for name in UNUSED_FIELDS:
            accessor.set_field(name, accessor.get_field(name)[:0])
        yield model.serialize_bytes()


def _end_of_list(model: bytes, start: int, size: int) -> int:
    """The end of a list of items of this size, which begins with their number."""
    (count,) = struct.unpack_from("<Q", model, start)
    return start + 8 + count * size
