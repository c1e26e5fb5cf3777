"""Compilation shared by model types: trees as models of treelite, and the softmax."""

import contextlib
import fcntl
import math
import os
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from tempfile import NamedTemporaryFile, TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ml_service.learning.model_types.forest_arrays import UnpackedTree, spread, unpack
from ml_service.learning.model_types.protocol import Array, Arrays, Matrix

if TYPE_CHECKING:
    import treelite

Packed = npt.NDArray[np.uint8]

PIPE_BYTES = 1 << 20
# The position of the number of trees in treelite's serialization format, version 4: after the version, and
# the types of thresholds and outputs.
TREES_POSITION = 3 * 4 + 2
# A node as treelite serializes it, without facts about training rows.
SERIALIZED_NODE_BYTES = 64
# The fields of a node that trees do not share.
NODE_BYTES, NODE_BYTES_OF_CLASSES, NUMBER_BYTES = 21, 37, 8
# Values of `node_type` and `cmp`.
NUMERICAL_TEST, LESS_OR_EQUAL = 1, 3
# Measured: 45 ns for a node of a small forest, 130 ns for one of a forest larger than the processor's cache.
SECONDS_PER_NODE = 100e-9
# The path of a row in an unpruned tree, as a multiple of that in a balanced tree.
SPREAD = 1.3


@dataclass(frozen=True, slots=True)
class Trees:
    """A treelite model, and the arrays that it refers to: it does not copy a field that is set."""

    model: "treelite.Model"
    fields: Sequence[Arrays] = ()


@dataclass(frozen=True, slots=True)
class Forest:
    """The trees of a random forest as one model, and each as a model of its own on the same arrays."""

    whole: Trees
    single: Sequence[Trees] = ()


def pack_trees(estimator: Any) -> Packed:  # Any: a fitted tree model of scikit-learn
    """Serialize trees with treelite, through a file: in memory, treelite makes several copies."""
    import treelite

    with NamedTemporaryFile() as file:
        treelite.sklearn.import_model(estimator).serialize(file.name)
        return np.fromfile(file.name, np.uint8)


def unpack_trees(packed: Packed) -> Trees:
    import treelite

    # treelite reads from a named pipe: a temporary file may lie in memory, as a copy of the model.
    with TemporaryDirectory() as folder:
        pipe = os.path.join(folder, "trees")
        os.mkfifo(pipe)
        writer = Thread(target=_write_to_pipe, args=(packed, pipe), daemon=True)
        writer.start()
        try:
            return Trees(treelite.Model.deserialize(pipe))
        finally:
            # A writer whose pipe nobody has opened would wait for ever.
            os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
            writer.join()


def build_forest(arrays: Arrays) -> Forest:
    """Models of a packed forest, which predict as the one of `treelite.sklearn`."""
    outputs: Matrix = arrays["outputs"]
    shared = _shared_fields(int(arrays["nodes"].max()))
    trees = [
        {
            **{name: values[: len(tree.splits)] for name, values in shared.items()},
            **_tree_fields(tree, outputs),
        }
        for tree in unpack(arrays)
    ]
    columns, width = int(arrays["columns"]), outputs.shape[1]
    return Forest(
        _model_of(trees, columns, width),
        # A forest of one tree is its only tree.
        [_model_of([tree], columns, width) for tree in trees] if len(trees) > 1 else (),
    )


def forest_bytes(nodes: int, outputs: int, width: int) -> int:
    """The memory of `build_forest`: of the fields of its nodes, and of the distinct outputs.

    `width` is the number of classes, 1 in regression.
    """
    return nodes * (NODE_BYTES if width == 1 else NODE_BYTES_OF_CLASSES) + outputs * width * NUMBER_BYTES


def walk_seconds(trees: int, nodes: int) -> float:
    """Estimate the time of one core to walk down all trees, of this many nodes together, for one row."""
    nodes_of_tree = max(nodes / max(trees, 1), 1)
    return trees * (SPREAD * math.log2(nodes_of_tree) + 1) * SECONDS_PER_NODE


def packed_walk_seconds(packed: Packed) -> float:
    """Estimate the same for serialized trees."""
    (trees,) = struct.unpack_from("<Q", packed.data, TREES_POSITION)
    return walk_seconds(trees, packed.size // SERIALIZED_NODE_BYTES)


def softmax(decisions: Matrix) -> Matrix:
    """Softmax of the decision values of each row: one for each class, or a single one for two classes."""
    if decisions.shape[1] == 1:
        # The first of two classes has a decision value of 0.
        decisions = np.hstack([np.zeros_like(decisions), decisions])
    exponentials = np.exp(decisions - decisions.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _write_to_pipe(packed: Packed, path: str) -> None:
    # The reader has closed the pipe if it could not use the content.
    with contextlib.suppress(BrokenPipeError), open(path, "wb", buffering=0) as pipe:
        if sys.platform == "linux":
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        content = packed.data
        while content:
            content = content[pipe.write(content[:PIPE_BYTES]) :]


def _model_of(trees: Sequence[Arrays], columns: int, width: int) -> Trees:
    """A model of trees with these fields; `width` is the number of classes, 1 in regression."""
    from ml_service.learning.model_types.treelite_library import set_field

    model = _empty_forest(len(trees), columns, width)
    for number, fields in enumerate(trees):
        for name, values in fields.items():
            set_field(model, number, name, values)
    return Trees(model, trees)


def _empty_forest(trees: int, columns: int, width: int) -> "treelite.Model":
    """A forest whose trees have a single leaf."""
    from treelite.model_builder import Metadata, ModelBuilder, PostProcessorFunc, TreeAnnotation

    classifies = width > 1
    task = "kMultiClf" if classifies else "kRegressor"
    # The output of a tree belongs to all classes, or to the only target.
    ids = [-1 if classifies else 0] * trees
    builder = ModelBuilder(
        threshold_type="float64",
        leaf_output_type="float64",
        metadata=Metadata(columns, task, True, 1, [width], (1, width)),
        tree_annotation=TreeAnnotation(trees, ids, ids),
        postprocessor=PostProcessorFunc("identity_multiclass" if classifies else "identity"),
        base_scores=[0.0] * width,
    )
    for _ in range(trees):
        builder.start_tree()
        builder.start_node(0)
        builder.leaf([0.0] * width if classifies else 0.0)
        builder.end_node()
        builder.end_tree()
    return builder.commit()


def _shared_fields(most_nodes: int) -> Arrays:
    """Fields of treelite's specification that are equal for all nodes, and so in all trees."""
    none = np.zeros(most_nodes, np.uint64)
    return {
        "default_left": none.view(np.uint8),
        "cmp": np.full(most_nodes, LESS_OR_EQUAL, np.int8),
        "leaf_vector_begin": none,
        "leaf_vector_end": none,
        "category_list_right_child": none.view(np.uint8),
        "category_list_begin": none,
        "category_list_end": none,
    }


def _tree_fields(tree: UnpackedTree, outputs: Matrix) -> Arrays:
    """The other fields, without those of training rows."""
    splits, width = tree.splits, outputs.shape[1]
    # Each node has a threshold or an output, so one array has both.
    numbers = spread(tree.thresholds, splits, np.float64)
    fields: dict[str, Array] = {
        "num_nodes": np.array([len(splits)], np.int32),
        "node_type": (splits * NUMERICAL_TEST).astype(np.int8),
        "cleft": tree.left.astype(np.int32),
        "cright": tree.right.astype(np.int32),
        "split_index": spread(tree.features, splits, np.int32),
        "threshold": numbers,
        "leaf_value": numbers,
    }
    if width == 1:
        numbers[~splits] = outputs[tree.leaves, 0]
        return fields
    begin = spread(tree.leaves.astype(np.uint64) * width, ~splits, np.uint64)
    end = begin + spread(width, ~splits, np.uint64)
    # All trees share the outputs.
    return {
        **fields,
        "leaf_vector": outputs.reshape(-1),
        "leaf_vector_begin": begin,
        "leaf_vector_end": end,
    }
