"""Problem documents (RFC 9457) in Chinese and English. The only place that knows HTTP status numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared import telemetry
from shared.errors import CommitUnknown, FieldError, Rejected, TooMany, Transient
from shared.web.body import field_errors
from shared.web.json import dump

RETRY_SECONDS: Final = 5
MEDIA_TYPE: Final = "application/problem+json"

log = telemetry.logger("web")


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem: `slug` is its name in `/problems/{slug}`."""

    slug: str
    status: int
    en: str
    zh: str
    advice_en: str
    advice_zh: str


_ALL: Final = (
    ProblemType("invalid", 422, "The input breaks the contract", "输入不符合约定",
                "Correct the fields named in `errors` and send it again.", "请按 errors 中列出的字段改正后重新提交。"),
    ProblemType("malformed", 400, "The request cannot be read", "请求无法读取",
                "Send one JSON object in UTF-8, without duplicate keys, NaN or deep nesting.",
                "请以 UTF-8 发送一个 JSON 对象，不含重复键、NaN 或过深嵌套。"),
    ProblemType("unauthenticated", 401, "Who are you?", "未通过身份验证",
                "Send a valid key as `Authorization: Bearer …`.", "请在 Authorization: Bearer 中提供有效密钥。"),
    ProblemType("forbidden", 403, "You may not do this", "没有权限",
                "Use a key or account whose scopes or role allow it.", "请使用具有相应权限的密钥或账号。"),
    ProblemType("not-found", 404, "There is no such thing here", "未找到",
                "Check the address and the unit of your credential.", "请检查地址以及凭证所属单位。"),
    ProblemType("method-not-allowed", 405, "This address does not know that method", "不支持该请求方法",
                "See the service's openapi.json.", "请参阅服务的 openapi.json。"),
    ProblemType("conflict", 409, "The present state forbids it", "当前状态不允许",
                "Supply what `errors` says is missing.", "请补齐 errors 中列出的缺失事项。"),
    ProblemType("gone", 410, "It was erased", "内容已删除",
                "Nothing can be done: the person's data was erased.", "该当事人的数据已被删除，无法恢复。"),
    ProblemType("stale", 412, "It has changed since you read it", "内容已被他人修改",
                "Read it again and repeat with its new ETag.", "请重新读取，并使用新的 ETag 再次提交。"),
    ProblemType("too-large", 413, "Too large", "内容过大",
                "Send less, or send large content as an attachment.", "请减少内容，或改用附件。"),
    ProblemType("too-many", 429, "Asked too often", "请求过于频繁",
                "Wait for the time in Retry-After.", "请按 Retry-After 提示的时间后重试。"),
    ProblemType("precondition-required", 428, "Say which version you mean", "需要指明版本",
                "Send If-Match with the ETag you read.", "请在 If-Match 中提供读取到的 ETag。"),
    ProblemType("unavailable", 503, "Not possible right now", "暂时无法处理",
                "Nothing was stored. Try again after the time in Retry-After.",
                "内容没有保存，请按 Retry-After 提示的时间后重试。"),
    ProblemType("paused", 503, "Paused for a moment", "系统暂停片刻",
                "An operator holds the system still, as for a backup. Nothing was stored: try again after Retry-After.",
                "运维人员正在暂停系统（例如备份），内容没有保存，请按 Retry-After 提示的时间后重试。"),
    ProblemType("unknown-outcome", 503, "It may or may not have been stored", "结果未知",
                "Send the same request with the same Idempotency-Key again.",
                "请使用相同的 Idempotency-Key 重新提交同一请求。"),
    ProblemType("internal", 500, "Something went wrong here", "系统内部错误",
                "Tell the operators the trace_id.", "请将 trace_id 告知运维人员。"),
)  # fmt: skip
PROBLEMS: Final[Mapping[str, ProblemType]] = MappingProxyType({one.slug: one for one in _ALL})
_BY_STATUS: Final = {400: "malformed", 401: "unauthenticated", 403: "forbidden", 404: "not-found",
                     405: "method-not-allowed", 413: "too-large"}  # fmt: skip


def wants_chinese(accept_language: str) -> bool:
    """Whether zh is preferred to en by an Accept-Language header (RFC 9110, 12.5.4); en when neither is named."""
    best = {"zh": 0.0, "en": 0.0}
    for item in accept_language.lower().split(","):
        tag, _, parameter = item.strip().partition(";")
        language = tag.split("-")[0]
        if language in best:
            try:
                quality = float(parameter.partition("q=")[2] or 1)
            except ValueError:
                quality = 0.0
            best[language] = max(best[language], quality)
    return best["zh"] > best["en"]


def problem(
    request: Request, slug: str, *, detail: str = "", zh: str = "", errors: tuple[FieldError, ...] = (),
    extra: Mapping[str, object] | None = None,
) -> Response:  # fmt: skip
    """A problem document as a response, in the language the caller prefers."""
    type_ = PROBLEMS[slug]
    chinese = wants_chinese(request.headers.get("accept-language", ""))
    text = (zh or type_.advice_zh) if chinese else (detail or type_.advice_en)
    document: dict[str, object] = {
        "type": f"/problems/{slug}",
        "title": type_.zh if chinese else type_.en,
        "status": type_.status,
        "detail": text,
    }
    if errors:
        document["errors"] = [
            {"field": one.field, "code": one.code, "message": (chinese and one.zh) or one.message}
            for one in errors
        ]
    document["trace_id"] = telemetry.current_trace()
    headers = (
        {"Retry-After": str(RETRY_SECONDS)}
        if type_.status == HTTPStatus.SERVICE_UNAVAILABLE
        else {}
    )
    if type_.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        dump(document | dict(extra or {})), type_.status, media_type=MEDIA_TYPE, headers=headers
    )


def rejected(request: Request, error: Rejected) -> Response:
    """The problem document of a Rejected."""
    response = problem(
        request,
        error.slug,
        detail=error.detail,
        zh=error.zh,
        errors=error.errors,
        extra=error.extra,
    )
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def passing(request: Request, error: Transient) -> Response:
    """The problem document of a Transient: 503 with Retry-After."""
    log.warning("answered 503", error=str(error))
    return problem(
        request, "unknown-outcome" if isinstance(error, CommitUnknown) else "unavailable"
    )


def answer_errors(app: FastAPI) -> None:
    """Make every error of an app a problem document; none ever shows an exception's text."""

    async def on_rejected(request: Request, error: Exception) -> Response:
        assert isinstance(error, Rejected)  # noqa: S101 - registered for this type
        return rejected(request, error)

    async def on_transient(request: Request, error: Exception) -> Response:
        assert isinstance(error, Transient)  # noqa: S101 - registered for this type
        return passing(request, error)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
        return problem(request, "invalid", errors=field_errors(error.errors(), strip=1))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
        return problem(request, _BY_STATUS.get(error.status_code, "malformed"))

    app.add_exception_handler(Rejected, on_rejected)
    app.add_exception_handler(Transient, on_transient)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
