"""Arrays of a predictor, read without a copy from the bytes of an npz file."""

import io
import os
import struct
import zipfile

import numpy as np

from ml_service.learning.model_types.protocol import Array
from ml_service.learning.predictors.errors import ArtefactRefused

# The fixed part of an entry's header in a zip file, and the lengths of its name and extra field.
ENTRY_HEADER = struct.Struct("<26xHH")
LONGEST_ARRAY_HEADER = 4096


def read_arrays(content: bytes) -> dict[str, Array]:
    """Every array by name; large ones are views of `content`.

    np.load would read each into memory of its own, beside the content.
    """
    arrays: dict[str, Array] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ArtefactRefused
            name_length, extra_length = ENTRY_HEADER.unpack_from(content, entry.header_offset)
            start = entry.header_offset + ENTRY_HEADER.size + name_length + extra_length
            arrays[entry.filename.removesuffix(".npy")] = _array_at(content, start)
    return arrays


def _array_at(content: bytes, start: int) -> Array:
    head = io.BytesIO(content[start : start + LONGEST_ARRAY_HEADER])
    if np.lib.format.read_magic(head) != (1, 0):
        raise ArtefactRefused
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(head)
    if dtype.hasobject:
        raise ArtefactRefused
    flat = np.frombuffer(
        content, dtype, int(np.prod(shape, dtype=np.int64)), start + head.seek(0, os.SEEK_CUR)
    )
    array = flat.reshape(shape, order="F" if by_columns else "C")
    # Libraries require aligned numbers; bytes, such as those of trees, always are.
    return np.require(array, requirements="A")
