"""Where a key lands: the same partition in both engines."""

from collections.abc import Sequence

from shared.bus.port import Message

_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_MASK = 0xFFFFFFFF


def partition_for(key: str, partitions: int) -> int:
    """The partition of `key`: MurmurHash2 of its UTF-8 bytes, as Kafka's default partitioner places it."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """MurmurHash2 (32 bits, little endian) with the seed that Kafka's clients use."""
    whole = len(data) & ~3
    value = _SEED ^ len(data)
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _MASK
        word = (word ^ word >> 24) * _MULTIPLIER & _MASK
        value = value * _MULTIPLIER & _MASK ^ word
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _MASK
    value = (value ^ value >> 13) * _MULTIPLIER & _MASK
    return value ^ value >> 15


def size_of(message: Message) -> int:
    """What a message counts against the cap, in bytes."""
    return len(message.key.encode()) + len(message.value)


def first_oversize(messages: Sequence[Message], cap: int) -> int | None:
    """The index of the first message over the cap, if there is one."""
    for index, message in enumerate(messages):
        if size_of(message) > cap:
            return index
    return None
