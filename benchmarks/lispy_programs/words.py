"""A text is split, counted word by word in a dict, sorted and joined again."""

WORDS = ("the", "frame", "goes", "in", "a", "dam", "groups", "agents", "Into", "Streams", "AND")
TEXT = " ".join(WORDS[i * i % 11] for i in range(4000))


def main() -> str:
    counts: dict[str, int] = {}
    for word in TEXT.lower().split(" "):
        counts[word] = counts.get(word, 0) + 1
    ranked = sorted(counts.items(), key=lambda entry: entry[1], reverse=True)
    return ", ".join(f"{word.upper()}={count}" for word, count in ranked)
