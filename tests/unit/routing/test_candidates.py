"""Which recent complaints may have the same cause: by signs they share, and by nearly the same words."""

from __future__ import annotations

from services.routing.model import IncidentCandidate, Seen, Sign
from services.routing.policy.candidates import find_candidates, signs_of

POWER_CUT = (
    "我们小区从昨天晚上八点停电到现在还没有来电，冰箱里的东西全坏了，打电话也没人接，要求尽快抢修"
)
THE_SAME = (
    "我们小区从昨天晚上八点停电到现在还没有来电，冰箱里的菜全坏了，打电话都没人接，要求尽快抢修！"
)
ANOTHER = "上个月的电费账单比平时多了一倍，要求核对读数并把多收的钱退给我，客服态度也不好"
ENGLISH = "The power in our street has been off since eight last night and nobody answers the phone. Please send a crew."
ENGLISH_TOO = "The power in our street has been off since eight last night, nobody answers the phone! Please send a crew"


def signs(text: str = "", *, unit: str = "root", **more: str) -> tuple[Sign, ...]:
    tokens = {
        name: value for name, value in more.items() if name.endswith("_no") and name != "batch_no"
    }
    fields = {name: value for name, value in more.items() if name not in tokens}
    return signs_of(unit=unit, fields=fields, tokens=tokens, text=text)


def after(*complaints: tuple[Sign, ...]) -> dict[int, Seen]:
    """What is known once complaints 1, 2, 3 and so on came in."""
    seen: dict[int, Seen] = {}
    for number, shown in enumerate(complaints, 1):
        for sign in shown:
            seen[sign.number] = seen.get(sign.number, Seen(0, ())).with_one_more(str(number))
    return seen


def test_who_shares_a_batch_an_area_or_an_order_is_a_candidate_the_most_telling_first() -> None:
    shown = signs(batch_no="B-7", area="010", order_no="token")

    found = find_candidates(shown, after(shown, signs(area="010")))

    assert found == (
        IncidentCandidate("batch_no", "B-7", ("1",), 1, 0.45),
        IncidentCandidate("order_no", "token", ("1",), 1, 0.45),
        IncidentCandidate("area", "010", ("1", "2"), 2, 0.3),
    )


def test_the_more_complaints_share_a_sign_the_likelier_one_cause() -> None:
    shown = signs(feeder_no="F-12")

    scores = [find_candidates(shown, after(*[shown] * count))[0].score for count in (1, 2, 20)]

    assert scores == sorted(set(scores))
    assert scores[-1] <= 0.9


def test_what_nobody_showed_before_makes_no_candidate() -> None:
    assert (
        find_candidates(signs(POWER_CUT, batch_no="B-7"), after(signs(ANOTHER, batch_no="B-8")))
        == ()
    )


def test_an_account_or_a_meter_is_one_customer_s_and_no_cause() -> None:
    assert signs(account_no="1", meter_no="2", customer_no="3") == ()


def test_units_do_not_see_each_other_s() -> None:
    assert (
        find_candidates(signs(unit="east", area="010"), after(signs(unit="west", area="010"))) == ()
    )


def test_nearly_the_same_words_are_alike_in_chinese_and_in_english() -> None:
    for before, now in ((POWER_CUT, THE_SAME), (ENGLISH, ENGLISH_TOO)):
        [found] = find_candidates(signs(now), after(signs(ANOTHER), signs(before)))

        assert (found.by, found.complaints) == ("text", ("2",))
        assert found.score >= 0.6


def test_other_words_are_not_alike_though_both_complain() -> None:
    assert find_candidates(signs(ANOTHER), after(signs(POWER_CUT), signs(ENGLISH))) == ()


def test_a_text_too_short_to_be_told_from_others_is_never_alike() -> None:
    assert signs("没电了") == ()


def test_a_sign_names_its_last_complaints_and_counts_all() -> None:
    shown = signs(area="010")

    [found] = find_candidates(shown, after(*[shown] * 25))

    assert (found.count, len(found.complaints), found.complaints[-1]) == (25, 10, "25")
