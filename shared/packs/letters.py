"""Templates: checked when a pack is loaded, written when a message is sent."""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from jinja2 import StrictUndefined, TemplateSyntaxError, meta
from jinja2 import Template as CompiledTemplate
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shared.packs.parts import Template

_BLANK_LINES = re.compile(r"\n{3,}")


class Written(NamedTuple):
    """A message as it will be read: plain text, the subject on one line."""

    subject: str
    body: str


def write_letter(template: Template, *, language: str, values: Mapping[str, str]) -> Written:
    """Fill `template` in `language`. A declared variable without a value counts as missing (false).

    Values are put in as they are; nothing in them is read as a template. Raises KeyError for a
    value the template does not declare, or one that it requires and that is not there.
    """
    strange = set(values) - set(template.variables)
    if strange:
        raise KeyError(f"template {template.id} has no variable {', '.join(sorted(strange))}")
    lacking = [name for name in template.requires if not values.get(name, "").strip()]
    if lacking:
        raise KeyError(f"template {template.id} has no value for {', '.join(lacking)}")
    filled = {name: values.get(name, "") for name in template.variables}
    letter = template.letter(language)
    subject = _compiled(letter.subject).render(filled)
    body = _compiled(letter.body).render(filled)
    return Written(" ".join(subject.split()), _BLANK_LINES.sub("\n\n", body).strip() + "\n")


def undeclared_variables(source: str, declared: Collection[str]) -> tuple[list[str], str]:
    """The variables `source` uses that are not declared, and what is wrong with its syntax, if
    anything.
    """
    used, problem = _used(source)
    return sorted(used - set(declared)), problem


@lru_cache(maxsize=1_000)
def _used(source: str) -> tuple[frozenset[str], str]:
    # Every pack has all templates of generic: parsing them again was a third of reading a pack.
    try:
        tree = _environment().parse(source)
    except TemplateSyntaxError as error:
        return frozenset(), f"line {error.lineno} of the text: {error.message}"
    return frozenset(meta.find_undeclared_variables(tree)), ""


@lru_cache(maxsize=1_000)
def _compiled(source: str) -> CompiledTemplate:
    # Compiling takes ten times as long as filling.
    return _environment().from_string(source)


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
