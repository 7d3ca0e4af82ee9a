"""Request bodies: capped, strict, validated, with each wrong field named in both languages."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from shared import text
from shared.errors import FieldError, Invalid, TooLarge
from shared.web.json import parse

M = TypeVar("M", bound=BaseModel)
BODY_CAP: Final = 1024 * 1024
CleanText = text.CleanText
FilledText = text.FilledText

_ZH: Final[Mapping[str, str]] = {
    "missing": "缺少必填字段",
    "string_too_long": "内容过长",
    "string_too_short": "内容过短",
    "too_long": "数量过多",
    "string_type": "应为文本",
    "bool_type": "应为 true 或 false",
    "int_type": "应为整数",
    "dict_type": "应为对象",
    "list_type": "应为列表",
    "model_type": "应为对象",
    "literal_error": "取值不在允许范围内",
    "enum": "取值不在允许范围内",
    "timezone_aware": "时间必须带时区，例如 2026-01-05T09:00:00+08:00",
    "datetime_from_date_parsing": "时间格式不正确，应为 RFC 3339",
    "datetime_parsing": "时间格式不正确，应为 RFC 3339",
    "string_pattern_mismatch": "格式不正确",
    "blank": "不能为空白",
    "control_character": "含有不允许的控制字符(NUL)",
    "surrogate": "含有无效的 Unicode 字符（孤立代理项）",
}


async def read_capped(request: Request, cap: int = BODY_CAP) -> bytes:
    """The body's bytes. Raises TooLarge over the cap, without reading on."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Invalid(
            "Content-Encoding is not accepted: send the body uncompressed.", zh="不接受压缩的请求正文。",
            errors=[FieldError("Content-Encoding", "encoding", "must be absent", "必须省略")],
        )  # fmt: skip
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > cap:
        raise _too_large(cap)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > cap:
            raise _too_large(cap)
        parts.append(part)
    return b"".join(parts)


def _too_large(cap: int) -> TooLarge:
    return TooLarge(
        f"The body is over {cap} bytes: shorten it, or send files to /intake/v1/attachments.",
        zh=f"请求正文超过 {cap} 字节，请缩短，或将文件上传到 /intake/v1/attachments。",
        errors=[FieldError("body", "too_large", f"at most {cap} bytes", f"最多 {cap} 字节")],
    )


def validate(model: type[M], raw: bytes) -> M:
    """The model in some JSON bytes. Raises Malformed or Invalid."""
    try:
        return model.model_validate(parse(raw))
    except ValidationError as error:
        raise invalid(error) from error


def invalid(error: ValidationError) -> Invalid:
    """A validation error as one that names every field."""
    return Invalid(
        "Some fields are wrong: see errors.",
        zh="部分字段不正确，见 errors。",
        errors=field_errors(error.errors(include_url=False, include_input=False)),
    )


def field_errors(found: Sequence[Any], *, strip: int = 0) -> tuple[FieldError, ...]:
    """Pydantic's errors as ours; `strip` drops leading parts such as `query` from each place."""
    return tuple(
        FieldError(
            ".".join(str(part).encode("utf-8", "replace").decode() for part in one["loc"][strip:])
            or "body",
            one["type"],
            one["msg"],
            _ZH.get(one["type"], "取值不正确"),
        )
        for one in found
    )


def body_of(model: type[M]) -> Callable[[Request], Coroutine[Any, Any, M]]:
    """A FastAPI dependency that reads, caps and validates a JSON body."""

    async def read(request: Request) -> M:
        return validate(model, await read_capped(request))

    return read


@cache
def describe_body(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` of a route whose body is read with `body_of`."""
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": model.model_json_schema(ref_template="#/$defs/{model}")
                }
            },
        }
    }
