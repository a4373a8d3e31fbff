"""Writing a password-protected zip as Info-ZIP does: deflated members, PKWARE cipher.

Python's `zipfile` reads encrypted archives but cannot write them.
"""

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dnaf.core.files import atomic_file
from dnaf.data.archives import zipcrypto

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END_64, _LOCATOR_64 = struct.Struct("<4sQ2H2I4Q"), struct.Struct("<4sIQI")  # where 16 bits count too few
_MOST_MEMBERS = 0xFFFF - 1  # 0xFFFF says that the number is in the longer record
_VERSION, _VERSION_64, _ENCRYPTED, _DEFLATED, _REGULAR_FILE = 20, 45, 1, 8, 0o100644 << 16
_UNIX_VERSION = 3 << 8 | _VERSION
_FIXED_TIME, _FIXED_DATE = 0, 1 << 5 | 1  # 1980-01-01: same content, same bytes


def write_encrypted_zip(
    path: Path, members: Mapping[str, bytes], password: bytes, rng: np.random.Generator
) -> None:
    """Writes members in their order, atomically; all of them are held in memory.

    Args:
        members: content by name; names in ASCII.
        rng: draws the random bytes before each member.

    Raises:
        ResourceError: the disk is full or not writable.
    """
    crcs = [zlib.crc32(data) for data in members.values()]
    encrypted = zipcrypto.encrypt([_deflate(data) for data in members.values()], crcs, password, rng)
    directory, offset = bytearray(), 0
    with atomic_file(path) as file:
        for (name, data), crc, payload in zip(members.items(), crcs, encrypted, strict=True):
            raw_name = name.encode("ascii")
            common = (
                _ENCRYPTED,
                _DEFLATED,
                _FIXED_TIME,
                _FIXED_DATE,
                crc,
                len(payload),
                len(data),
                len(name),
                0,
            )
            file.write(_LOCAL.pack(b"PK\x03\x04", _VERSION, *common) + raw_name + payload)
            rest = (0, 0, 0, _REGULAR_FILE, offset)
            directory += _CENTRAL.pack(b"PK\x01\x02", _UNIX_VERSION, _VERSION, *common, *rest) + raw_name
            offset += _LOCAL.size + len(raw_name) + len(payload)
        file.write(directory)
        number = len(members)
        if number > _MOST_MEMBERS:
            head = (_END_64.size - 12, _UNIX_VERSION, _VERSION_64, 0, 0)
            file.write(_END_64.pack(b"PK\x06\x06", *head, number, number, len(directory), offset))
            file.write(_LOCATOR_64.pack(b"PK\x06\x07", 0, offset + len(directory), 1))
            number = _MOST_MEMBERS + 1
        file.write(_END.pack(b"PK\x05\x06", 0, 0, number, number, len(directory), offset, 0))


def _deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()
