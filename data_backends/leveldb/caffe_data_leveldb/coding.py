"""How LevelDB writes numbers, strings and checksums."""

from __future__ import annotations

import google_crc32c

from caffe_core.proto.wire import WireError, varint


class Cursor:
    """Reads values one after the other; it is true while there are more."""

    def __init__(self, data: bytes):
        self._data = memoryview(data)
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def number(self) -> int:
        """Return a number of any length."""
        value, self._at = varint(self._data, self._at, len(self._data))
        return value

    def fixed(self, size: int) -> int:
        """Return a number of `size` bytes."""
        return int.from_bytes(self._take(size), "little")

    def string(self) -> bytes:
        """Return a string that comes after its length."""
        return bytes(self._take(self.number()))

    def _take(self, size: int) -> memoryview:
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise WireError(start, f"{size} bytes are expected, there are fewer")
        return self._data[start : self._at]


def number(value: int) -> bytes:
    """Return a number of any length as `Cursor.number` reads it."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def string(value: bytes) -> bytes:
    """Return a string after its length, as `Cursor.string` reads it."""
    return number(len(value)) + value


def checksum(data: bytes) -> int:
    """Return the checksum that LevelDB keeps of some bytes.

    It is a CRC-32C, turned and shifted so that a checksum of data with checksums is no weaker.
    """
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
