"""The clause table of a collection in `(delta ...)`: fields, who brings items, where they go and how."""

from __future__ import annotations

from lisppump.clauses_shape import Position, clause, function, name, names, path, value

TYPES = ("string", "integer", "number", "boolean", "agent", "any", "lispy")

FIELD = clause(
    "FIELD",
    "A field of an item: its name, its type (string, integer, number, boolean, agent, any, lispy, "
    '(one-of "a" "b") or (ref COLLECTION)), and `optional` where it may be absent, or `required-here` where '
    "only what was made elsewhere may lack it. (also NAME ...) are other names under which it is read, the "
    'first whose value fits; a choice as a list, ("up" "+1" "yes"), is also read where one of the others '
    "stands.",
    "(author agent required-here (also agent by))",
    Position("type", "raw", many=True),
)

_RULES = (
    clause("append", "Add each item to a list or a log; the rule where none is given.", "(append)"),
    clause(
        "put", "Make each item a member under the id in a field, `id` where none is named.", "(put id)",
        name("field", optional=True),
    ),
    clause("sum", "Add up a field, for each value of the fields before it.", "(sum key value)",
           names("field")),
    clause(
        "union", "Collect the different values of a field, for each value of the fields before it.",
        "(union key value)", names("field"),
    ),
    clause(
        "max", "Keep the largest value of a field, for each value of the fields before it.",
        "(max key value)",
        names("field"),
    ),
    clause(
        "min", "Keep the smallest value of a field, for each value of the fields before it.",
        "(min key value)",
        names("field"),
    ),
    clause("last-writer", "Keep what the last item in canonical order says.", "(last-writer)"),
    clause(
        "by",
        "A rule of your own: a function of what is there and an item, giving what shall be there.",
        "(by (lambda (there item) item))", function("there", "item"),
    ),
    clause("refuse", "Put every item into quarantine.", "(refuse)"),
)  # fmt: skip
RULES = tuple(rule.name for rule in _RULES)

COLLECTION = clause(
    "COLLECTION",
    "A collection that pipes may produce: its fields, where its items go and by which rule. "
    "Without (into ...) its items are refused.",
    '(posts (fields (title string) (author agent)) (into "posts.jsonl"))',
    clause(
        "fields", "The fields of an item; with none any item will do.",
        "(fields (title string) (author agent))",
        required=True, members=FIELD,
    ),
    clause(
        "also", "Other names of the collection: items under them are read as its own.",
        "(also replies_added)", names("key"),
    ),
    clause(
        "actor", "The field that says who acts; without it the first field of type agent.", "(actor voter)",
        name("field"),
    ),
    clause(
        "from",
        "Who may bring items of it: pipes, or echoes (in a dict under `delta` in their values), or both.",
        "(from echoes)", names("maker", "pipes", "echoes"), default="(from pipes)",
    ),
    clause(
        "once-per", "Fields that together may occur once; items where one is empty are all kept.",
        "(once-per author post)", names("field"),
    ),
    clause(
        "number", "The field that gets a new number.", '(number number (above "posted_log.json"))',
        name("field"),
        clause(
            "above", "Documents above whose numbers the new ones start.", '(above "posted_log.json")',
            value("document", "document", many=True),
        ),
    ),
    clause(
        "about",
        "The field that names an earlier frame which the item adds to; those it cites in another field are "
        "none that came later.",
        "(about day (cites days))", name("field"),
        clause("cites", "The field with a frame's number, or several, that it goes by.", "(cites days)",
               name("field")),
    ),
    clause(
        "evaluate",
        "Items are proposals: the program in each is run once, before the commit, over the frame that it "
        "was made for. It gives a dict of collections, as its agent might have; the item goes where all do.",
        "(evaluate (steps 200000))",
        clause("steps", "Most steps of one program.", "(steps 200000)", value("n", "positive"),
               default="(steps 200000)"),
    ),
    clause(
        "into",
        "The document, and the path of keys in it, that items go to; {field} in the document's name "
        "stands for a field of the item.",
        '(into "posted_log.json" posts)', value("document", "document"), path(optional=True),
    ),
    *_RULES,
    clause(
        "as", "Makes the stored item from the item and the frame.",
        '(as (lambda (item frame) (dict-set item "seen" 0)))', function("item", "frame"),
    ),
    clause(
        "count",
        "A counter that each item raises by one; a field's name in the path stands for the item's value.",
        '(count "agents.json" (agents author post_count))', value("document", "document"), path(),
        repeatable=True,
    ),
)  # fmt: skip
