"""Any provider with an HTTP interface, described by data: the request, what success looks like, and its receipts."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import orjson

from services.notify.channels.calls import Answer, ask
from services.notify.channels.fill import filled, filled_all
from services.notify.model import Outgoing, Sent, Traits
from shared.web.json import at_place


@dataclass(frozen=True, slots=True)
class Signing:
    """A signature over some text, put where the provider looks: `header.X-Sign`, `query.sign` or `body.sign`."""

    into: str
    over: str
    secret: str
    algorithm: str = "sha256"
    encoding: Literal["hex", "base64"] = "hex"


@dataclass(frozen=True, slots=True)
class Test:
    """Whether a code at a path of the answer is one of these."""

    path: str
    equals: tuple[str, ...]

    def holds(self, body: object) -> bool:
        found = at_place(body, self.path)
        return found is not None and str(found) in self.equals


@dataclass(frozen=True, slots=True)
class Receipts:
    """How the provider tells later what became of messages: each with id and status, in a list at `each`."""

    id: str
    status: str
    delivered: tuple[str, ...]
    failed: tuple[str, ...]
    each: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """A provider, as the operator describes it. Texts have placeholders: see docs/notify.md."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | None = None
    signing: Signing | None = None
    success: Test | None = None
    id: str = ""
    later: Test | None = None
    refused: Test | None = None
    receipts: Receipts | None = None
    templates: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider told of one message."""

    provider_id: str
    result: Literal["delivered", "failed"]
    code: str


class HttpGateway:
    """Sends by a described provider."""

    def __init__(
        self, name: str, traits: Traits, described: Description, client: httpx.AsyncClient
    ) -> None:
        self.name = name
        self.traits = traits
        self._described = described
        self._client = client

    async def send(self, message: Outgoing) -> Sent:
        described = self._described
        if described.templates and not (
            described.templates.get(message.letter) or described.templates.get("")
        ):
            return Sent("refused", code=f"no template for {message.letter}")
        answer = await ask(self._client, self._request(message))
        if isinstance(answer, Sent):
            return answer
        return judged(answer, described)

    def _request(self, message: Outgoing) -> httpx.Request:
        described, values = self._described, self._values(message)
        headers = filled_all(described.headers, values)
        query = filled_all(described.query, values)
        body = filled_all(described.form if described.form is not None else described.json, values)
        if described.signing is not None:
            signature = sign(described.signing, values)
            kind, _, name = described.signing.into.partition(".")
            {"header": headers, "query": query, "body": body}[kind][name] = signature
        url = httpx.URL(filled(described.url, values)).copy_merge_params(query)
        if described.form is not None:
            return self._client.build_request(described.method, url, headers=headers, data=body)
        return self._client.build_request(described.method, url, headers=headers, json=body)

    def _values(self, message: Outgoing) -> dict[str, str]:
        described = self._described
        values = {f"value.{name}": value for name, value in message.values.items()}
        values |= {f"secret.{name}": value for name, value in described.secrets.items()}
        return values | {
            "id": message.id,
            "to": message.to,
            "subject": message.subject,
            "body": message.body,
            "number": message.number,
            "language": message.language,
            "template": described.templates.get(message.letter) or described.templates.get("", ""),
            "params": orjson.dumps(dict(message.values)).decode(),
            "seconds": str(int(message.at.timestamp())),
            "milliseconds": str(int(message.at.timestamp() * 1000)),
        }

    def receipts(self, body: object) -> list[Receipt]:
        """The receipts in what the provider posted; states that say nothing final are left out."""
        told = self._described.receipts
        if told is None:
            return []
        found = at_place(body, told.each) if told.each else body
        return [
            one
            for each in (found if isinstance(found, list) else [found])
            if (one := receipt_in(each, told))
        ]

    @property
    def callback_token(self) -> str | None:
        """What proves that a receipt is the provider's; None where it posts none."""
        return self._described.secrets.get("callback") if self._described.receipts else None

    @property
    def receipt_answer(self) -> str:
        """What the provider wants to hear for its receipts."""
        return self._described.receipts.answer if self._described.receipts else ""


def judged(answer: Answer, described: Description) -> Sent:
    """By status and body: what is neither success nor asks to wait is refused for good."""
    tests = [one for one in (described.later, described.refused, described.success) if one]
    code = next(
        (
            str(at_place(answer.body, one.path))
            for one in tests
            if at_place(answer.body, one.path) is not None
        ),
        None,
    )
    code = code or f"HTTP {answer.status}"
    if described.later and described.later.holds(answer.body):
        return Sent("retry", code=code, retry_after=answer.retry_after)
    if described.refused and described.refused.holds(answer.body):
        return Sent("refused", code=code)
    if not answer.is_success:
        return answer.by_status()
    if described.success and not described.success.holds(answer.body):
        # A success whose body cannot be read may have been one.
        is_read = at_place(answer.body, described.success.path) is not None
        return Sent("refused" if is_read else "unknown", code=code)
    id_ = at_place(answer.body, described.id) if described.id else None
    return Sent("accepted", provider_id=str(id_) if id_ is not None else None, code=code)


def sign(signing: Signing, values: Mapping[str, str]) -> str:
    """The signature of a request."""
    digest = hmac.digest(
        signing.secret.encode(), filled(signing.over, values).encode(), signing.algorithm
    )
    return digest.hex() if signing.encoding == "hex" else b64encode(digest).decode()


def receipt_in(each: object, told: Receipts) -> Receipt | None:
    """One receipt; None where it names no message or no final state."""
    id_, status = at_place(each, told.id), at_place(each, told.status)
    if id_ is None or status is None:
        return None
    if str(status) in told.delivered:
        return Receipt(str(id_), "delivered", str(status))
    return Receipt(str(id_), "failed", str(status)) if str(status) in told.failed else None
