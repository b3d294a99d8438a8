"""Records sorted by a lambda that gives the key."""

RECORDS = [{"name": f"agent-{i}", "karma": i * 7919 % 5003} for i in range(2000)]


def main() -> list[str]:
    ranked = sorted(RECORDS, key=lambda record: record["karma"], reverse=True)
    return [record["name"] for record in ranked[:5]]
