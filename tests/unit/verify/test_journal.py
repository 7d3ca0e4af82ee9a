"""Reading journals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos.journal import Journal
from redress.failure import WrongUsage
from redress.verify.journal import read_journal

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_run_writes_is_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.write("invoke", key="k1")
    journal.write("ok", key="k1", number="9641-0972-681")
    journal.close()

    invoke, ok = read_journal(journal.path)

    assert (invoke.op, invoke.key, invoke.number) == ("invoke", "k1", None)
    assert (ok.op, ok.key, ok.number) == ("ok", "k1", "9641-0972-681")


def test_a_line_cut_short_by_a_kill_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_text('{"at": "2026-03-02T01:00:00+00:00", "op": "invoke", "key": "k"}\n{"at": "20')

    assert len(read_journal(path)) == 1


def test_a_wrong_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_text('{"at": "2026-03-02T01:00:00+00:00", "op": "invoke"}\n{}\n')

    with pytest.raises(WrongUsage, match="line 2"):
        read_journal(path)
    with pytest.raises(WrongUsage, match="cannot be read"):
        read_journal(tmp_path / "none")
