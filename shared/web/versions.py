"""Versions over HTTP: `ETag` out, `If-Match` in (RFC 9110, 13.1.1)."""

import re
from typing import Final

from fastapi import Request

from shared.errors import Precondition, Stale

_TAG: Final = re.compile(r'\A(?:W/)?"(\d{1,18})"\Z')


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def wanted_version(request: Request) -> int | None:
    """The version in If-Match; None when it is `*`, any. Raises Precondition without one, Stale if malformed."""
    header = request.headers.get("if-match")
    if header is None:
        raise Precondition(
            "Send If-Match with the ETag you read, so that nobody's change is overwritten.",
            zh="请在 If-Match 中提供读取到的 ETag，以免覆盖他人的修改。",
        )
    if header.strip() == "*":
        return None
    match = _TAG.match(header.strip())
    if not match:
        raise Stale(
            f"If-Match must hold one ETag such as {etag(3)}.", zh="If-Match 应为一个 ETag。"
        )
    return int(match.group(1))


def check_version(wanted: int | None, present: int) -> None:
    """Raise Stale when somebody changed it since it was read."""
    if wanted is not None and wanted != present:
        raise Stale(
            f"It is at version {present} now, you read {wanted}: read it again and decide anew.",
            zh=f"当前版本为 {present}，您读取的是 {wanted}，请重新读取后再提交。",
        )
