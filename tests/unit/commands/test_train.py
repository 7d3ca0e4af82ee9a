"""`redress train` and `redress evaluate` as a person at a terminal meets them."""

import json
import os
from pathlib import Path

import pytest

from redress import cli
from services.routing.policy.figures import (
    Answer,
    accuracy,
    confusion,
    macro_f1,
    precision_at,
)

TEXTS = [
    *((f"the parcel number {at} is late again", "delay") for at in range(8)),
    *((f"they charged me {at} pounds too much", "fee") for at in range(8)),
    *((f"快递晚了{at}天还没送", "delay") for at in range(8)),
    *((f"账单多收了{at}块钱", "fee") for at in range(8)),
]


def write(path: Path, rows: list[tuple[str, str]] | None = None) -> Path:
    lines = (json.dumps({"text": text, "label": label}) for text, label in rows or TEXTS)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_file_of_texts_is_learnt_and_the_model_finds_the_labels_of_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "mine.jsonl")
    others = write(
        tmp_path / "others.jsonl", [("my parcel is so late", "delay"), ("又多收钱", "fee")]
    )

    trained = cli.run(["train", str(file), "--json"])
    told = json.loads(capsys.readouterr().out)
    evaluated = cli.run(
        ["evaluate", str(others), "--model", str(tmp_path / "mine.model"), "--json"]
    )

    assert (trained, evaluated) == (0, 0)
    assert (told["texts"], told["labels"]) == (len(TEXTS), 2)
    report = json.loads(capsys.readouterr().out)
    assert (report["accuracy"], report["macro_f1"], report["confusion"]) == (1.0, 1.0, [])


def test_a_share_is_kept_aside_and_reported_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.run(["train", str(write(tmp_path / "mine.jsonl")), "--aside", "0.25"])

    said = capsys.readouterr().out
    assert code == 0
    assert "2 labels of 24 texts" in said
    assert "8 texts" in said
    assert "macro-F1" in said


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "words,label\nx,y\n", ("a.csv:1", "text", "no such column")),
        ("a.csv", 'text,label\nx,y\n" ",z\n', ("a.csv:3", "text", "empty")),
        ("a.csv", "text,label\nx,y\nz,y\n", ("a.csv", "label", "only 'y'")),
        ("a.jsonl", '{"text": "x", "label": "y"}\n{"text": "z"}\n', ("a.jsonl:2", "label", "missing")),
        ("a.jsonl", '{"text": "x", "label": "y"}\nnot json\n', ("a.jsonl:2", "not JSON")),
        ("a.jsonl", "[1]\n", ("a.jsonl:1", "no JSON object")),
        ("a.jsonl", "", ("a.jsonl", "label", "nothing")),
    ],
)  # fmt: skip
def test_a_bad_file_ends_with_1_and_names_line_and_field(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: str,
    told: tuple[str, ...],
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")

    code = cli.run(["train", str(file)])

    error = capsys.readouterr().err
    assert code == 1
    assert all(part in error for part in told), error
    assert not list(tmp_path.glob("*.model"))


def test_what_is_no_model_and_what_is_no_text_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.model").write_bytes(b"nothing")

    wrong = cli.run(["evaluate", str(write(tmp_path / "mine.jsonl"))])
    binary = tmp_path / "b.csv"
    binary.write_bytes(b"text,label\n\xff,x\n")
    broken = cli.run(["train", str(binary)])

    said = capsys.readouterr().err
    assert (wrong, broken) == (1, 1)
    assert "no model" in said
    assert "UTF-8" in said


def test_figures_are_those_a_person_works_out_by_hand() -> None:
    answers = [
        Answer("a", "a", 0.9),
        Answer("a", "b", 0.4),
        Answer("b", "b", 0.8),
        Answer("b", "b", 0.7),
    ]

    assert accuracy(answers) == 0.75
    assert macro_f1(answers) == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert confusion(answers) == [("a", "b", 1)]
    assert precision_at(answers, 0.75) == (0.7, 1.0)


@pytest.mark.slow
@pytest.mark.skipif(
    "REDRESS_CORPUS" not in os.environ, reason="REDRESS_CORPUS names no folder of real texts"
)
def test_banking77_is_learnt_well_enough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(os.environ["REDRESS_CORPUS"]) / "en-banking77" / "train.csv"

    code = cli.run(["train", str(file), "--label", "category", "--aside", "0.2", "--out", str(tmp_path / "m"), "--json"])  # fmt: skip

    learnt, report = map(json.loads, capsys.readouterr().out.splitlines())
    assert code == 0
    assert report["accuracy"] >= 0.87
    assert learnt["seconds"] < 180
