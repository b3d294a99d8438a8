"""Reports over records: groups, filters, averages, a table of names."""

TITLES = {"core": "Core", "guest": "Guest", "bot": "Bot"}
KINDS = list(TITLES)
RECORDS = [
    {"id": i, "kind": KINDS[i * 5 % 3], "karma": i * 37 % 101, "active": i % 2 == 0} for i in range(1500)
]


def report(kind: str, members: list[dict[str, object]]) -> list[object]:
    mean = sum(r["karma"] for r in members) / len(members)
    return [
        TITLES[kind],
        len(members),
        int(mean) if mean == int(mean) else mean,
        len([r for r in members if r["active"] and r["karma"] > 50]),
    ]


def main() -> list[list[object]]:
    groups: dict[str, list[dict[str, object]]] = {}
    for record in RECORDS:
        groups.setdefault(record["kind"], []).append(record)
    return [report(kind, groups[kind]) for kind in sorted(groups)]
