"""Understanding a text to show it: by the pack of a unit, or by any pack; nothing is stored."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

from services.routing.model import Understanding
from services.routing.policy.understand import understand
from services.routing.usecases import Routing
from shared.errors import FieldError, Invalid
from shared.language import detect_language
from shared.masking import mask
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import Pack
from shared.packs.wire import latest_first

ABOUT: Final = ("product", "shop", "area", "remedy_sought")


async def read_text(
    routing: Routing,
    *,
    text: str,
    unit: str,
    pack: str | None,
    references: Mapping[str, str],
    channel: str,
    now: datetime,
) -> tuple[Understanding, Pack]:
    """How a text would be understood. Raises Invalid for a pack that nobody knows, NotHereYet."""
    chosen = await named_pack(routing, unit=unit, pack=pack, now=now)
    fields = {name: references[name] for name in ABOUT if references.get(name)}
    masked = mask(text).text
    understood = understand(
        text=masked,
        subject=None,
        fields=fields,
        channel=channel,
        pack=chosen,
        language=detect_language(text),
        model=routing.models.known(chosen),
    )
    return understood, chosen


async def named_pack(routing: Routing, *, unit: str, pack: str | None, now: datetime) -> Pack:
    """The pack of that name (`P` or `P@V`), in force or not; None: the unit's. Raises Invalid, NotHereYet."""
    policy = routing.policy
    if pack is None:
        return policy.pack(*policy.in_force(unit, now))
    name, _, version = pack.partition("@")
    arrived = [ref for ref in latest_first(policy.packs, name) if not version or ref == pack]
    if arrived:
        return policy.pack(*arrived[0].split("@"))
    if name in shipped_names():
        found = await asyncio.to_thread(_shipped, name)
        if version in ("", found.pack.version):
            return found
    known = sorted({*(ref.split("@")[0] for ref in policy.packs), *shipped_names()})
    raise Invalid(
        f"There is no pack {pack!r}.", zh=f"没有策略包 {pack}。",
        errors=[FieldError("pack", "unknown", f"is none of {', '.join(known)}", "未知策略包")],
    )  # fmt: skip


def shipped_names() -> list[str]:
    """The packs that come with Redress."""
    return sorted(one.name for one in shipped_folder().iterdir() if (one / "pack.yaml").exists())


@lru_cache(maxsize=16)
def _shipped(name: str) -> Pack:
    return load_folder(shipped_folder(), name)
