"""What arrives by a channel: read by the channel's own file, then taken in like any posted complaint."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from pydantic import ValidationError

from services.intake.api.attachments import keep_file, path_of
from services.intake.api.bodies import AttachmentRef, ComplaintIn
from services.intake.api.door import Door, channel_for
from services.intake.channels.port import Channel, File, Outcome, Own, Payload, Reader, Submission
from services.intake.channels.table import TABLE
from services.intake.model import Receipt
from services.intake.policy.normalise import strip_invisible
from services.intake.policy.original import JSON, Original, pack
from services.intake.policy.sniff import sniff
from services.intake.store.files import claims_on, is_claimed
from services.intake.usecases.taking import forget_untaken
from shared.errors import CommitUnknown, FieldError, Invalid, NotFound
from shared.store.database import Database
from shared.web.body import invalid
from shared.web.credentials import Principal

LONGEST_NAME: Final = 200
MOST_FILES: Final = 10
MOST_BYTES: Final = 25 * 1024 * 1024
"""Of all files that come with one complaint."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A payload with who brought it: by which channel, for which unit, under which Idempotency-Key."""

    channel: Channel
    payload: Payload
    principal: Principal
    unit: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was not kept apart, and why; it is still in what was received."""

    media_type: str
    size: int
    reason: str


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A complaint that was made, or had been made before."""

    receipt: Receipt
    left_out: tuple[LeftOut, ...] = ()


def channel_of(code: str, principal: Principal) -> Channel:
    """The channel whose payloads are read here. Raises NotFound, or Forbidden where the key is for another."""
    channel = TABLE.get(code)
    if channel is None or channel.read is None:
        readable = ", ".join(one.code for one in TABLE.values() if one.read)
        raise NotFound(
            f"No payloads are read for the channel {code!r}, only for {readable}: post JSON to /intake/v1/complaints.",
            zh=f"渠道 {code!r} 没有专用入口，请以 JSON 提交到 /intake/v1/complaints。",
        )
    channel_for(code, principal)
    return channel


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Takes payloads in for one process."""

    door: Door
    database: Database
    own: Own

    async def read(self, arrival: Arrival) -> Outcome:
        """What a payload is. Raises Rejected where it is nothing that can be read."""
        reader = cast("Reader", arrival.channel.read)  # `channel_of` gives no other
        return await asyncio.to_thread(reader, arrival.payload, self.own)

    def body(self, arrival: Arrival, submission: Submission) -> ComplaintIn:
        """The complaint as if it had been posted. Raises Invalid."""
        said = dict(submission.body)
        channel_for(said.get("channel", arrival.channel.code), _bound(arrival))
        if arrival.unit is not None:
            said.setdefault("unit", arrival.unit)
        try:
            return ComplaintIn.model_validate(said | {"channel": arrival.channel.code})
        except ValidationError as error:
            raise invalid(error) from error

    async def submit(self, arrival: Arrival, submission: Submission) -> TakenIn:
        """Take a complaint in, with its files; returns after its commit."""
        body = self.body(arrival, submission)
        complaint = self.door.normal(body, arrival.principal)
        is_forgiving = arrival.channel.quarantines
        files = checked(submission.files, forgiving=is_forgiving)
        if await self._came_before(arrival, body, complaint.unit, submission):
            receipt = await self._take(arrival, submission, body)
            return TakenIn(receipt)
        kept = await self.keep(files.kept, unit=complaint.unit, owner=arrival.principal.id)
        named = [*body.attachments, *(AttachmentRef(id=one) for one in kept)]
        more = body.model_copy(update={"attachments": named})
        async with Untaken(self, kept):
            receipt = await self._take(arrival, submission, body, with_files=more)
        return TakenIn(receipt, files.left_out)

    async def _take(
        self,
        arrival: Arrival,
        submission: Submission,
        body: ComplaintIn,
        *,
        with_files: ComplaintIn | None = None,
    ) -> Receipt:
        return await self.door.take(
            with_files or body,
            arrival.principal,
            original=original_of(arrival, submission),
            key=arrival.key,
            purpose=purpose(arrival.channel),
            fingerprint=self.fingerprint(body, submission),
        )

    def fingerprint(self, body: ComplaintIn, submission: Submission) -> str:
        """What tells two payloads apart: what was read of them, not how they travelled."""
        tokens = self.door.tokens
        parts = [body.model_dump_json(exclude_defaults=True)]
        parts += [tokens.fingerprint(one.content) for one in submission.files]
        parts += [submission.part] if submission.part else []
        return tokens.fingerprint("\0".join(parts).encode())

    async def is_known(self, arrival: Arrival, external_id: str) -> bool:
        """Whether a complaint came by this channel under that id."""
        scope = self.door.external_scope(
            arrival.unit or arrival.principal.unit, arrival.channel.code
        )
        async with self.database.reading() as connection:
            return await is_claimed(connection, [(scope, self.door.tokens.external(external_id))])

    async def _came_before(
        self, arrival: Arrival, body: ComplaintIn, unit: str, submission: Submission
    ) -> bool:
        """Whether the same has come under its key or id: then no file is kept anew."""
        wanted = []
        if arrival.key is not None:
            wanted.append((f"{arrival.principal.id}/{purpose(arrival.channel)}", arrival.key))
        if body.external_id is not None:
            scope = self.door.external_scope(unit, arrival.channel.code)
            wanted.append((scope, self.door.tokens.external(body.external_id)))
        async with self.database.reading() as connection:
            made = await claims_on(connection, wanted)
        return self.fingerprint(body, submission) in {fingerprint for fingerprint, _ in made}

    async def keep(self, files: Sequence[tuple[File, str]], *, unit: str, owner: str) -> list[str]:
        """Keep files sealed; returns their ids. Raises Transient, and then keeps none."""
        kept: list[str] = []
        async with Untaken(self, kept, only_if_failed=True):
            for file, media_type in files:
                row = await keep_file(
                    self.door, self.database, file.content,
                    media_type=media_type, name=_name(file.name), unit=unit, owner=owner,
                )  # fmt: skip
                kept.append(row.id)
        return kept

    async def forget(self, ids: Sequence[str]) -> None:
        """Remove files that no complaint took after all."""
        untaken = await self.database.run(lambda tx: forget_untaken(tx, ids))
        for id_ in untaken:
            path = path_of(self.door.environment.settings.data, id_)
            await asyncio.to_thread(path.unlink, missing_ok=True)


@dataclass(frozen=True, slots=True)
class Untaken:
    """Removes at its end the files that were not taken; where it is not known whether they were, they stay."""

    arrivals: Arrivals
    ids: Sequence[str]
    only_if_failed: bool = False

    async def __aenter__(self) -> None:
        """Nothing to be done yet."""

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if (
            not self.ids
            or isinstance(error, CommitUnknown)
            or (error is None and self.only_if_failed)
        ):
            return
        await self.arrivals.forget(self.ids)


def original_of(arrival: Arrival, submission: Submission) -> bytes:
    """The words as received: a posted complaint as it is, all else with its text in front."""
    payload = arrival.payload.content if submission.original is None else submission.original
    is_json = submission.original is not None
    media_type = JSON if is_json else arrival.payload.media_type
    said = submission.body
    return pack(Original(str(said.get("text", "")), said.get("subject"), media_type, payload))


def _bound(arrival: Arrival) -> Principal:
    """The principal as if its key were bound to the channel: a payload cannot name another."""
    principal = arrival.principal
    return Principal(
        principal.id, principal.kind, principal.unit, principal.scopes, arrival.channel.code
    )


def purpose(channel: Channel) -> str:
    """What an Idempotency-Key is for at a channel's door."""
    return f"channels/{channel.code}"


@dataclass(frozen=True, slots=True)
class Checked:
    """The files of a payload: those that may be kept, each with its type, and the others."""

    kept: tuple[tuple[File, str], ...]
    left_out: tuple[LeftOut, ...]


def checked(files: Sequence[File], *, forgiving: bool) -> Checked:
    """The files that may be kept, with their types. Raises Invalid for one that may not, unless `forgiving`."""
    kept: list[tuple[File, str]] = []
    left_out: list[LeftOut] = []
    size = 0
    for at, file in enumerate(files):
        size += len(file.content)
        try:
            kept.append((file, _type_of(file, at=at, so_far=size)))
        except Invalid as error:
            if not forgiving:
                raise _wrong_file(at, error) from error
            left_out.append(LeftOut(file.media_type[:100], len(file.content), error.detail))
    return Checked(tuple(kept), tuple(left_out))


def _type_of(file: File, *, at: int, so_far: int) -> str:
    if at >= MOST_FILES:
        raise Invalid(f"There are more than {MOST_FILES} files.", zh=f"文件多于 {MOST_FILES} 个。")
    if so_far > MOST_BYTES:
        raise Invalid(f"The files have more than {MOST_BYTES} bytes.", zh="文件总量过大。")
    return sniff(file.content, declared=file.media_type, name=file.name)


def _wrong_file(at: int, error: Invalid) -> Invalid:
    said = error.errors[0] if error.errors else FieldError("", "too_large", error.detail, error.zh)
    found = FieldError(f"files.{at}", said.code, said.message, said.zh)
    return Invalid(error.detail, zh=error.zh, errors=[found])


def _name(name: str | None) -> str | None:
    if not name:
        return None
    clean = name.replace("\0", "").encode("utf-8", "replace").decode()
    return strip_invisible(clean)[:LONGEST_NAME] or None


def left_out_of(taken: TakenIn) -> dict[str, Any]:
    """What is told of files that were not kept apart; nothing where all were."""
    if not taken.left_out:
        return {}
    return {
        "left_out": [
            {"media_type": one.media_type, "size": one.size, "reason": one.reason}
            for one in taken.left_out
        ]
    }
