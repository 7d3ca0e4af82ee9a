"""What is wrong with a pack that somebody sends, as a problem."""

from dataclasses import asdict

from shared.errors import FieldError, Invalid
from shared.packs.located import PackInvalid


def refused(error: PackInvalid) -> Invalid:
    """What is wrong with a pack, as a problem: `errors` for people, `pack_errors` with file and line for programs."""
    return Invalid(
        f"The pack is wrong in {len(error.errors)} places: see errors. Nothing was changed.",
        zh=f"策略包有 {len(error.errors)} 处错误，见 errors。未作任何更改。",
        errors=[
            FieldError(
                one.field,
                "pack",
                f"{one.file}:{one.line}: {one.message}. {one.advice}",
                f"{one.file} 第 {one.line} 行：{one.message}。{one.advice}",
            )
            for one in error.errors
        ],
        pack_errors=[asdict(one) for one in error.errors],
    )
