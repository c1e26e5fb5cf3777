"""Compilation shared by model types: serialization of trees with treelite, and the softmax.

Trees are serialized through a file: in memory, treelite makes several copies. A forest is even converted tree
by tree, because as a whole it takes twice the memory of scikit-learn's, which is still needed.
"""

import copy
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import NamedTemporaryFile, TemporaryFile
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


def unpack_trees(packed: Packed) -> "treelite.Model":
    import treelite

    with NamedTemporaryFile() as file:
        packed.tofile(file.name)
        return treelite.Model.deserialize(file.name)


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
        count = 3 * 4 + 2  # after the version, and the types of thresholds and outputs
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
