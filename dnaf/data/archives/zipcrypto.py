"""The PKWARE cipher of password-protected zips ("ZipCrypto"), computed for many members at once.

The key of each byte depends on all bytes before it, so one member is sequential; members are independent.
The work therefore runs along the bytes and is vectorised across the members. It protects nothing against an
attacker: it is here because data sets are distributed with it.

Source: PKWARE APPNOTE 6.3.10, section 6.1; the same numbers as CPython@3.11:Lib/zipfile.py:593-646.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HEADER_SIZE = 12  # random bytes before the payload; the last one is the high byte of the CRC

_BLOCK = 4096  # bytes of each member that are transposed and transformed at a time: bounds the memory
_FEWEST_COLUMNS = 24  # below this many members at once, plain integers are faster than numpy
_MULTIPLIER = np.uint32(134775813)
_ONE = np.uint32(1)
_INITIAL_KEYS = (0x12345678, 0x23456789, 0x34567890)

Keys = tuple[int, int, int]
Vector = NDArray[np.uint32]


def _crc_table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0xEDB88320), table >> 1)
    return table.astype(np.uint32)


def _stream_table() -> NDArray[np.uint8]:
    """The key stream's byte for each value of the low 16 bits of the third key."""
    low = np.arange(65536, dtype=np.uint32) | 2
    return ((low * (low ^ 1) >> 8) & 255).astype(np.uint8)


_CRC = _crc_table()
_STREAM = _stream_table()
_CRC_LIST: list[int] = _CRC.tolist()
_STREAM_LIST: list[int] = _STREAM.tolist()


def encrypt(
    payloads: Sequence[bytes], crcs: Sequence[int], password: bytes, rng: np.random.Generator
) -> list[bytes]:
    """Encrypts members; each result is `HEADER_SIZE` bytes longer than its payload.

    Args:
        payloads: the members' bytes as they would stand in the zip (stored or deflated).
        crcs: CRC-32 of each member's uncompressed content.
        rng: draws the eleven random header bytes of each member.
    """
    headers = rng.integers(0, 256, (len(payloads), HEADER_SIZE), dtype=np.uint8)
    headers[:, -1] = np.asarray(crcs, dtype=np.uint32) >> 24
    plain = [header.tobytes() + payload for header, payload in zip(headers, payloads, strict=True)]
    return _transform(plain, password, decrypting=False)


def decrypt(payloads: Sequence[bytes], password: bytes) -> list[bytes]:
    """Decrypts members and drops their headers; a wrong password gives noise, which only the CRC shows.

    Memory beside the arguments: about twice that of the result.

    Raises:
        ValueError: a payload is shorter than its header.
    """
    if any(len(payload) < HEADER_SIZE for payload in payloads):
        raise ValueError(f"shorter than {HEADER_SIZE} bytes")
    return [plain[HEADER_SIZE:] for plain in _transform(payloads, password, decrypting=True)]


def _transform(payloads: Sequence[bytes], password: bytes, decrypting: bool) -> list[bytes]:
    keys = _INITIAL_KEYS
    for byte in password:
        keys = _advance(keys, byte)
    # Longest first, so that those that still have a byte at a step are always the first ones.
    order = sorted(range(len(payloads)), key=lambda index: -len(payloads[index]))
    ordered = [payloads[index] for index in order]
    heads, states = _transform_together(ordered, keys, decrypting)
    results = [b""] * len(payloads)
    for index, payload, head, state in zip(order, ordered, heads, states, strict=True):
        results[index] = bytes(head) + _transform_one(payload[len(head) :], state, decrypting)
    return results


def _transform_together(
    payloads: list[bytes], keys: Keys, decrypting: bool
) -> tuple[list[bytearray], list[Keys]]:
    """Transforms members, sorted by falling length, as long as enough of them last.

    Returns:
        Of each member its transformed beginning, and the keys to go on with.
    """
    lengths = np.array([len(payload) for payload in payloads], np.int64)
    steps = int(lengths[_FEWEST_COLUMNS - 1]) if len(payloads) >= _FEWEST_COLUMNS else 0
    active = np.searchsorted(-lengths, -np.arange(steps), side="left")
    state = [np.full(len(payloads), key, np.uint32) for key in keys]
    heads = [bytearray() for _ in payloads]
    for start in range(0, steps, _BLOCK):
        chunks = [payload[start : min(start + _BLOCK, steps)] for payload in payloads[: active[start]]]
        rows = np.zeros((len(chunks), len(chunks[0])), np.uint8)
        for row, chunk in zip(rows, chunks, strict=True):
            row[: len(chunk)] = np.frombuffer(chunk, np.uint8)
        columns = np.ascontiguousarray(rows.T)
        for step, column in enumerate(columns, start):
            _transform_step(column, state, int(active[step]), decrypting)
        rows = np.ascontiguousarray(columns.T)
        for head, row, chunk in zip(heads, rows, chunks, strict=False):
            head += row[: len(chunk)].tobytes()
    return heads, list(zip(*(key.tolist() for key in state), strict=True))


def _transform_step(column: NDArray[np.uint8], state: list[Vector], count: int, decrypting: bool) -> None:
    """Transforms one byte of the first `count` members in place and advances their keys."""
    key0, key1, key2 = (key[:count] for key in state)
    # In place, and with the narrowest index types: this runs once for every byte of an archive.
    given = column[:count]
    result = given ^ _STREAM.take(key2.astype(np.uint16))
    index = key0.astype(np.uint8) ^ (result if decrypting else given)
    given[:] = result
    key0 >>= 8
    key0 ^= _CRC.take(index)
    key1 += key0.astype(np.uint8)
    key1 *= _MULTIPLIER
    key1 += _ONE
    index = key2.astype(np.uint8) ^ (key1 >> 24).astype(np.uint8)
    key2 >>= 8
    key2 ^= _CRC.take(index)


def _transform_one(payload: bytes, keys: Keys, decrypting: bool) -> bytes:
    result = bytearray(payload)
    for position, given in enumerate(payload):
        result[position] = given ^ _STREAM_LIST[keys[2] & 0xFFFF]
        keys = _advance(keys, result[position] if decrypting else given)
    return bytes(result)


def _advance(keys: Keys, plain: int) -> Keys:
    key0 = keys[0] >> 8 ^ _CRC_LIST[(keys[0] ^ plain) & 255]
    key1 = ((keys[1] + (key0 & 255)) * int(_MULTIPLIER) + 1) & 0xFFFFFFFF
    key2 = keys[2] >> 8 ^ _CRC_LIST[(keys[2] ^ key1 >> 24) & 255]
    return key0, key1, key2
