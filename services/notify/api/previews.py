"""Messages as they would be read, before any is sent."""

from typing import Annotated

from fastapi import APIRouter, Depends
from jinja2 import TemplateError
from pydantic import BaseModel, Field

from services.notify.api.door import Door
from services.notify.model import Traits
from services.notify.policy.form import shaped
from shared.errors import FieldError, Invalid, NotFound
from shared.packs.letters import write_letter
from shared.packs.model import Pack
from shared.packs.parts import Template
from shared.web.body import CleanText, FilledText, body_of, describe_body
from shared.web.credentials import Principal

Value = Annotated[CleanText, Field(max_length=2_000)]


class PreviewIn(BaseModel):
    """Which template to write, for whom, with what. The unit's pack in force, or one named. No channel: a mail."""

    template: Annotated[FilledText, Field(max_length=60)]
    language: Annotated[str, Field(pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$")] = "zh"
    unit: Annotated[str | None, Field(max_length=63)] = None
    pack: Annotated[str | None, Field(pattern=r"^[a-z0-9_-]+@[0-9A-Za-z.]+$", max_length=94)] = None
    channel: Annotated[str | None, Field(max_length=20)] = None
    values: Annotated[dict[str, Value], Field(max_length=40)] = {}


class PreviewOut(BaseModel):
    """The message. `missing`: variables it has that were not given, and that it reads well without."""

    template: str
    pack: str
    language: str
    subject: str
    body: str
    missing: list[str]


def add_previews(router: APIRouter, door: Door) -> None:
    """The route that writes a message to nobody."""
    guard, policy = door.environment.guard, door.environment.policy

    @router.post("/previews", openapi_extra=describe_body(PreviewIn))
    async def preview(
        principal: Annotated[Principal, Depends(guard.scope("notify:read"))],
        body: Annotated[PreviewIn, Depends(body_of(PreviewIn))],
    ) -> PreviewOut:
        unit = body.unit or principal.unit
        principal.must_reach(unit, "unit")
        named = (
            body.pack.split("@")
            if body.pack
            else policy.in_force(unit, door.environment.clock.now())
        )
        pack = policy.pack(named[0], named[1])
        template = _template(pack, body.template)
        channel = door.channels.get(body.channel) if body.channel else None
        subject, text = _written(template, body, channel.traits if channel else None)
        missing = [name for name in template.variables if not body.values.get(name)]
        return PreviewOut(
            template=template.id,
            pack=pack.ref,
            language=body.language,
            subject=subject,
            body=text,
            missing=missing,
        )


def _template(pack: Pack, id_: str) -> Template:
    try:
        return pack.template(id_)
    except KeyError as error:
        raise NotFound(
            f"{pack.ref} has no template {id_!r}.", zh=f"{pack.ref} 没有模板 {id_}。"
        ) from error


def _written(template: Template, body: PreviewIn, traits: Traits | None) -> tuple[str, str]:
    try:
        written = write_letter(template, language=body.language, values=body.values)
    except (KeyError, TemplateError) as error:
        said = str(error.args[0]) if error.args else type(error).__name__
        raise Invalid(
            f"It cannot be written: {said}.", zh=f"无法生成消息：{said}。",
            errors=[FieldError("values", "template", said, "变量缺失或未声明")],
        ) from error  # fmt: skip
    return (
        shaped(written.subject, written.body, traits) if traits else (written.subject, written.body)
    )
