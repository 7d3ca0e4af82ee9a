"""The 24 scenarios as notify sees them: what routing understood, and what is known that is nobody's personal data."""

from typing import Any, NamedTuple


class Scenario(NamedTuple):
    id: str
    pack: str
    category: str
    known: dict[str, Any]
    cue: str | None = None
    kind: str = "complaint"


SCENARIOS = (
    Scenario("PWR-1", "power", "PWR-MTR", {"references": ["account_no"], "remedy_sought": True}),
    Scenario("PWR-2", "power", "PWR-ARR", {"area": "330106"}, cue="life_support"),
    Scenario(
        "PWR-3",
        "power",
        "PWR-REP",
        {"area": "330106", "occurred_at": True, "occurred_on": "2026-02-27"},
    ),
    Scenario("PWR-4", "power", "PWR-PLN", {"occurred_at": True, "occurred_on": "2026-03-02"}),
    Scenario("CEM-1", "cement", "CEM-STR", {"product": "P.O 42.5", "batch_no": "2509-031"}),
    Scenario("CEM-2", "cement", "CEM-WGT", {"product": "P.O 42.5"}),
    Scenario("CEM-3", "cement", "CEM-CRT", {}),
    Scenario("CEM-4", "cement", "CEM-SND", {"batch_no": "A2511"}, cue="structure_at_risk"),
    Scenario("PRP-1", "property", "PRP-REP", {"area": "儿童区"}, cue="falling_injury"),
    Scenario("PRP-2", "property", "PRP-FEE", {}),
    Scenario("PRP-3", "property", "PRP-LFT", {"area": "9号楼"}, cue="trapped_now"),
    Scenario("PRP-4", "property", "PRP-UTL", {}),
    Scenario("CAT-1", "catering", "CAT-TST", {"product": "糖醋里脊", "shop": "西湖店"}),
    Scenario(
        "CAT-2",
        "catering",
        "CAT-PSN",
        {"shop": "西湖店", "occurred_on": "2026-03-01"},
        cue="ill_two_plus",
    ),
    Scenario("CAT-3", "catering", "CAT-BIL", {"shop": "滨江店"}),
    Scenario("CAT-4", "catering", "CAT-WAI", {"shop": "滨江店"}, kind="grumble"),
    Scenario("ECM-1", "ecommerce", "ECM-DLY", {"references": ["order_no"]}),
    Scenario("ECM-2", "ecommerce", "ECM-SAF", {"product": "充电宝"}, cue="fire_battery"),
    Scenario("ECM-3", "ecommerce", "ECM-RFD", {"references": ["tracking_no"]}),
    Scenario("ECM-4", "ecommerce", "ECM-PRI", {}),
    Scenario(
        "AUT-1",
        "automotive",
        "AUT-AIR",
        {"vin_prefix": "LSVAA000000"},
        cue="airbag_no_deploy_or_self",
    ),
    Scenario("AUT-2", "automotive", "AUT-BRK", {}, cue="control_loss_driving"),
    Scenario("AUT-3", "automotive", "AUT-WAR", {}),
    Scenario("AUT-4", "automotive", "AUT-PRT", {}),
)
