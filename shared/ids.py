"""Identifiers: what machines use (UUIDv7), what people quote (number), what opens a customer's page (code)."""

import base64
import hashlib
import os
import re
import secrets
import time
from datetime import datetime

CODE_BYTES = 10  # 80 random bits
_NUMBER = re.compile(r"\A(\d{4})-(\d{4})-(\d{3})\Z")


def new_id() -> str:
    """A UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def first_id_at(at: datetime) -> str:
    """The least id that can have been made at a time: ids compare as their times do."""
    digits = f"{int(at.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-000000000000"


def check_digit(digits: str) -> int:
    """The check digit of ISO 7064 MOD 11,10: it catches every single wrong digit and nearly every swap."""
    product = 10
    for digit in digits:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10


def new_number() -> str:
    """A complaint's number: ten random digits and a check digit, `dddd-dddd-ddd`."""
    digits = f"{secrets.randbelow(10**10):010d}"
    digits += str(check_digit(digits))
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def is_number(text: str) -> bool:
    """Whether `text` has the form and the right check digit of a complaint's number."""
    match = _NUMBER.match(text)
    if not match:
        return False
    digits = "".join(match.groups())
    return check_digit(digits[:10]) == int(digits[10])


def new_code() -> str:
    """The secret that, with the number, opens the customer's page: 80 random bits, `XXXX-XXXX-XXXX-XXXX`."""
    text = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def code_digest(code: str) -> str:
    """What events carry instead of the code: SHA-256 in hex of the code without dashes, upper case."""
    return hashlib.sha256(code.replace("-", "").upper().encode()).hexdigest()
