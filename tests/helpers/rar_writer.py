"""Writes RAR archives of stored members, as there is no free program that does.

Source: RAR 5.0 archive format, www.rarlab.com/technote.htm.
"""

import zlib
from collections.abc import Mapping
from pathlib import Path

_MAIN, _FILE, _END = 1, 2, 5
_HAS_DATA, _HAS_CRC, _IS_FOLDER = 2, 4, 1
_UNIX = 1


def write_rar(path: Path, members: Mapping[str, bytes], link: bool = False) -> None:
    """Writes members in their order; a name that ends with `/` is a folder.

    Args:
        link: mark each member as a symbolic link.
    """
    blocks = [b"Rar!\x1a\x07\x01\x00", _block(_MAIN, 0, _number(0))]
    for name, data in members.items():
        is_folder = name.endswith("/")
        raw = name.removesuffix("/").encode()
        fields = _number(_IS_FOLDER if is_folder else _HAS_CRC) + _number(len(data))
        fields += _number(0o40755 if is_folder else 0o100644)
        fields += b"" if is_folder else zlib.crc32(data).to_bytes(4, "little")
        fields += _number(0) + _number(_UNIX) + _number(len(raw)) + raw
        redirection = _number(5) + _number(1) + _number(0) + _number(4) + b"evil"
        extra = _number(len(redirection)) + redirection if link else b""
        sizes = (_number(len(extra)) if link else b"") + _number(len(data))
        blocks += [_block(_FILE, _HAS_DATA | link, sizes + fields + extra), data]
    path.write_bytes(b"".join([*blocks, _block(_END, 0, _number(0))]))


def _block(kind: int, flags: int, fields: bytes) -> bytes:
    body = _number(kind) + _number(flags) + fields
    sized = _number(len(body)) + body
    return zlib.crc32(sized).to_bytes(4, "little") + sized


def _number(value: int) -> bytes:
    """Seven bits a byte, lowest first, the top bit of all but the last one set."""
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    return bytes([*result, value])
