"""Random forests in compact arrays: 4 bytes for a node, which takes 72 in scikit-learn and 64 in treelite.

- Nodes are in preorder, as scikit-learn builds them: a left child follows its parent, and the flags of the
  nodes with a split determine all right children.
- Thresholds are in single precision, rounded down. They decide as the original ones, because scikit-learn
  rounds features to single precision before it compares them.
- A leaf refers to a table of the distinct outputs of all leaves.
"""

# pyarrow's stubs lack some of its classes:
# pyright: reportAttributeAccessIssue=false

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_service.learning.model_types.protocol import Array, Arrays, Matrix

Flags = npt.NDArray[np.bool_]
Nodes = npt.NDArray[np.int64]

NO_CHILD = -1
# Facts about the training rows of each leaf, of which a prediction needs none.
LEAF_FACTS = ("n_node_samples", "weighted_n_node_samples", "impurity")


@dataclass(frozen=True, slots=True)
class UnpackedTree:
    """A tree with the features and thresholds of its splits, and the positions of its leaves' outputs.

    `splits` flags the nodes with a split, `right` has the right child of each.
    """

    splits: Flags
    right: Nodes
    features: Array
    thresholds: Array
    leaves: Array

    @property
    def left(self) -> Nodes:
        return np.where(self.splits, np.arange(1, len(self.splits) + 1), NO_CHILD)


@dataclass(frozen=True, slots=True)
class _PackedTree:
    splits: Flags
    features: Array
    thresholds: Array
    leaves: pa.DictionaryArray
    facts: Arrays


class ForestPacker:
    """Collects the trees of a forest, which scikit-learn need not keep."""

    def __init__(self, columns: int) -> None:
        self._columns, self._trees = columns, list[_PackedTree]()
        # The distinct outputs of each tree, some of which others have, too.
        self.nodes, self.outputs = 0, 0

    def add(self, tree: Any) -> None:  # Any: a `tree_` of scikit-learn
        """Pack one tree; raises ValueError if its nodes are in another order."""
        splits = tree.children_left != NO_CHILD
        if not np.array_equal(tree.children_right, _right_children(splits)):
            raise ValueError("scikit-learn has built a tree in another order")
        facts = {name: _shrink(getattr(tree, name)[~splits]) for name in LEAF_FACTS}
        features = tree.feature[splits].astype(np.min_scalar_type(self._columns))
        leaves = _encode_outputs(tree.value[~splits, 0, :])
        thresholds = _round_down(tree.threshold[splits])
        self._trees.append(_PackedTree(splits, features, thresholds, leaves, facts))
        self.nodes += len(splits)
        self.outputs += len(leaves.dictionary)

    def join(self) -> tuple[Arrays, Arrays]:
        """The arrays for prediction, and the facts about leaves."""
        leaves = pa.chunked_array([tree.leaves for tree in self._trees]).unify_dictionaries()
        outputs = _outputs_of(leaves.chunk(0).dictionary)
        positions = np.concatenate([chunk.indices.to_numpy() for chunk in leaves.chunks])
        arrays = {
            "columns": np.array(self._columns),
            "nodes": np.array([len(tree.splits) for tree in self._trees], np.int64),
            "splits": np.packbits(np.concatenate([tree.splits for tree in self._trees])),
            "features": np.concatenate([tree.features for tree in self._trees]),
            "thresholds": np.concatenate([tree.thresholds for tree in self._trees]),
            "outputs": outputs,
            "leaves": positions.astype(np.min_scalar_type(len(outputs))),
        }
        facts = {name: np.concatenate([tree.facts[name] for tree in self._trees]) for name in LEAF_FACTS}
        return arrays, facts


def unpack(arrays: Arrays) -> Iterator[UnpackedTree]:
    """The trees of a packed forest, one after the other."""
    sizes = arrays["nodes"].tolist()
    flags = np.unpackbits(arrays["splits"], count=sum(sizes)).view(np.bool_)
    node = split = leaf = 0
    for size in sizes:
        splits = flags[node : node + size]
        next_split = split + int(splits.sum())
        next_leaf = leaf + size - (next_split - split)
        yield UnpackedTree(
            splits,
            _right_children(splits),
            arrays["features"][split:next_split],
            arrays["thresholds"][split:next_split],
            arrays["leaves"][leaf:next_leaf],
        )
        node, split, leaf = node + size, next_split, next_leaf


def spread(values: Any, flags: Flags, dtype: npt.DTypeLike) -> Array:  # Any: an array or a number
    """The values at the flagged nodes, and zeros at all others."""
    spread_values = np.zeros(len(flags), dtype)
    spread_values[flags] = values
    return spread_values


def _right_children(splits: Flags) -> Nodes:
    """The right child of each node of a tree in preorder.

    Splits and leaves are matched like brackets: the right child follows the leaf that ends the left subtree.
    """
    depths = np.cumsum(np.where(splits, 1, -1), dtype=np.int32)
    if depths.max() < np.iinfo(np.int16).max:
        depths = depths.astype(np.int16)  # which NumPy sorts in a third of the time
    opened, closed = np.flatnonzero(splits), np.flatnonzero(~splits)[:-1]
    right = np.full(len(splits), NO_CHILD, np.int64)
    # A stable sort by depth puts the brackets of a pair at the same position.
    last = closed[np.argsort(depths[closed], kind="stable")]
    right[opened[np.argsort(depths[opened], kind="stable")]] = last + 1
    return right


def _round_down(thresholds: Matrix) -> npt.NDArray[np.float32]:
    """The greatest number of single precision that is at most the threshold."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _shrink(numbers: Array) -> Array:
    """Whole numbers as the smallest type for them, others in single precision."""
    whole = (numbers == np.floor(numbers)).all()
    return numbers.astype(np.min_scalar_type(int(numbers.max())) if whole else np.float32)


def _encode_outputs(outputs: Matrix) -> pa.DictionaryArray:
    """Distinct rows by their bytes, which Arrow finds by hashing."""
    content = pa.py_buffer(np.ascontiguousarray(outputs, np.float64))
    width = pa.binary(outputs.shape[1] * outputs.itemsize)
    rows = pa.FixedSizeBinaryArray.from_buffers(width, len(outputs), [None, content])
    return rows.dictionary_encode()


def _outputs_of(dictionary: pa.FixedSizeBinaryArray) -> Matrix:
    content = dictionary.buffers()[1]
    numbers = np.frombuffer(content, np.float64, len(dictionary) * dictionary.type.byte_width // 8)
    return numbers.reshape(len(dictionary), -1)
