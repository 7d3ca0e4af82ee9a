"""What a message may not sound like: cold, blaming, admitting fault, passing troubles on, full of jargon, too long."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from shared.packs.letters import undeclared_variables, write_letter
from shared.packs.model import Pack
from shared.packs.parts import Letter, Template


class Remark(NamedTuple):
    """What is wrong with a template: where (line of the text, from 1; 0: the whole), what, and what to do."""

    template: str
    language: str
    part: str
    line: int
    message: str
    advice: str


_LONGEST: Final = 300
"""Characters without a line break (R-058)."""
_LONGEST_MAIL: Final = 2_000
_JINJA: Final = re.compile(r"\{[{%].*?[%}]\}")
_LINTS: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "zh": (
        (r"您操作不当|您(自己|个人)的(问题|原因|责任)|怪您|您没有按|由于您的过失|您误", "it blames the reader (R-050)",
         "Say what happened, not whose fault it is."),
        (r"按规定办|没办法|无法处理|与我(们)?无关|不归我们|爱莫能助|请您谅解并知悉|特此告知|请知悉", "it is cold (R-050)",
         "Say what you can do instead."),
        (r"我们(承认|认定)(过错|违法|违约|侵权)|承担(法律|全部)责任", "it admits legal fault (R-053)",
         "Apologise for the trouble, and leave the law to the finding."),
        (r"(因|由于)(我们|本)?(部门|系统|内部|人手|流程)(不足|紧张|原因|故障|调整|问题)|请(您)?(自行)?联系(其他|别的|相关)部门",
         "our own troubles are passed on (R-073)", "Say what will be done, and by when."),
        (r"SLA|工单流转|闭环|抓手|赋能|颗粒度|OA|CRM|ERP|派单|结单", "it is jargon (R-058)", "Say it in plain words."),
        (r"亲[，,~～]|么么哒|~{2,}", "it is not how we speak to people with a complaint", "Write as to a neighbour."),
    ),
    "en": (
        (r"(?i)\byou (failed|neglected|forgot|should have|misused|did not follow)\b|\byour (fault|mistake|error)\b",
         "it blames the reader (R-050)", "Say what happened, not whose fault it is."),
        ((r"(?i)\bas per (our )?policy\b|\bnothing we can do\b|\bnot our (problem|responsibility)\b|\bplease be advised\b|"
         r"\bhereby\b|\bwe regret to inform\b"), "it is cold (R-050)", "Say what you can do instead."),
        (r"(?i)\bwe (admit|accept) (liability|fault|negligence)\b|\bwe are (legally )?liable\b",
         "it admits legal fault (R-053)", "Apologise for the trouble, and leave the law to the finding."),
        ((r"(?i)\b(due to|because of) (our|an internal) (department|system|internal|staff shortage|workload|process)\b|"
         r"\bcontact (another|the relevant) department\b"), "our own troubles are passed on (R-073)",
         "Say what will be done, and by when."),
        (r"\bSLA\b|\bCRM\b|\bERP\b|(?i:\bticket lifecycle\b|\bstakeholder|\bleverag|\bsynerg|\bcircle back\b)",
         "it is jargon (R-058)", "Say it in plain words."),
    ),
}  # fmt: skip
_FEELING: Final = {
    "zh": r"抱歉|歉意|致歉|理解|谢谢|感谢",
    "en": r"(?i)\bsorry\b|\bapolog|\bunderstand\b|\bthank",
}
_QUESTION: Final = {
    "zh": r"？|\{\{ ?questions ?\}\}|\{\{ ?facts ?\}\}",
    "en": r"\?|\{\{ ?questions ?\}\}|\{\{ ?facts ?\}\}",
}


def remarks(pack: Pack) -> Iterator[Remark]:
    """Everything that is wrong with a pack's messages."""
    for template in pack.templates:
        for language in ("zh", "en"):
            yield from _template(template, language)


def _template(template: Template, language: str) -> Iterator[Remark]:
    letter = template.letter(language)
    yield from _variables(template, letter, language)
    for part, text in (("subject", letter.subject), ("body", letter.body)):
        if template.audience == "complainant":
            yield from _words(template, language, part, text)
        yield from _long_lines(template, language, part, text)
    if template.audience == "complainant":
        yield from _feelings_first(template, letter, language)
    values = {name: name for name in template.variables}
    try:
        size = len(write_letter(template, language=language, values=values).body)
    except Exception as error:  # noqa: BLE001 - whatever a template does wrong, it is its author's to know
        yield Remark(
            template.id,
            language,
            "body",
            0,
            f"it cannot be written: {error}",
            "Correct the Jinja2.",
        )
        return
    if size > _LONGEST_MAIL:
        yield Remark(
            template.id,
            language,
            "body",
            0,
            f"it has {size} characters",
            f"Say it in {_LONGEST_MAIL}.",
        )


def _variables(template: Template, letter: Letter, language: str) -> Iterator[Remark]:
    used = set()
    for part, text in (("subject", letter.subject), ("body", letter.body)):
        names, problem = undeclared_variables(text, ())
        used |= set(names)
        if problem:
            yield Remark(template.id, language, part, 0, problem, "Correct the Jinja2.")
        for name in set(names) - set(template.variables):
            yield Remark(template.id, language, part, _line_of(text, name), f"{name!r} is not in `variables`",
                         "List it there or correct its spelling.")  # fmt: skip
    for name in template.requires:
        if name not in used:
            yield Remark(
                template.id,
                language,
                "body",
                0,
                f"it requires {name!r} and never says it",
                "Use it.",
            )


def _line_of(text: str, name: str) -> int:
    lines = [at for at, line in enumerate(text.splitlines(), 1) if re.search(rf"\b{name}\b", line)]
    return lines[0] if lines else 0


def _words(template: Template, language: str, part: str, text: str) -> Iterator[Remark]:
    for at, line in enumerate(text.splitlines(), 1):
        for pattern, message, advice in _LINTS[language]:
            if found := re.search(pattern, line):
                yield Remark(template.id, language, part, at, f"{found[0]!r}: {message}", advice)


def _long_lines(template: Template, language: str, part: str, text: str) -> Iterator[Remark]:
    for at, line in enumerate(text.splitlines(), 1):
        if len(_JINJA.sub("", line)) > _LONGEST:
            yield Remark(template.id, language, part, at, f"over {_LONGEST} characters without a line break (R-058)",
                         "Break it.")  # fmt: skip


def _feelings_first(template: Template, letter: Letter, language: str) -> Iterator[Remark]:
    """Questions come after a word for the person (R-052)."""
    question = re.search(_QUESTION[language], letter.body)
    feeling = re.search(_FEELING[language], letter.body)
    if question and (feeling is None or feeling.start() > question.start()):
        line = letter.body[: question.start()].count("\n") + 1
        yield Remark(template.id, language, "body", line, "it asks before it feels (R-052)",
                     "Apologise or thank first.")  # fmt: skip
