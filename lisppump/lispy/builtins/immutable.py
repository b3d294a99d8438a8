"""Names from other Lisps that promise to change data in place: each is an error that shows what to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from lisppump.lispy.builtins import builtin
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

INSTEAD = {
    "(set! d (dict-set d k v))": (
        "dict-set!", "hash-set!", "hash-table-set!", "hash-put!", "dict-put!", "puthash", "put!", "assoc!",
        "aset", "assoc-set!", "set-in!",
    ),
    "(set! d (dissoc d k))": (
        "dict-remove!", "dict-delete!", "hash-remove!", "hash-table-delete!", "dissoc!",
    ),
    "(set! d (update d k f))": ("dict-update!", "hash-update!", "hash-table-update!", "update!"),
    "(set! d (dict-merge d e))": ("dict-merge!", "merge!", "hash-union!"),
    "(set! l (list-set l n x))": ("list-set!", "vector-set!", "set-nth!", "string-set!"),
    "(set! l (cons x (cdr l)))": ("set-car!",),
    "(set! l (cons (car l) x))": ("set-cdr!",),
    "(set! l (append l (list x)))": (
        "push!", "append!", "conj!", "vector-push!", "add!", "list-append!", "insert!",
    ),
    "(set! l (cons x l))": ("push", "cons!", "prepend!"),
    "(set! l (cdr l))": ("pop!", "pop"),
    "(set! l (reverse l))": ("reverse!", "nreverse"),
    "(set! l (sort l f))": ("sort!",),
    "(set! l (filter f l))": ("filter!", "remove!", "delete!"),
    "(map f l)": ("map!", "vector-map!", "vector-fill!"),
}  # fmt: skip


def _refuse(name: str, instead: str) -> None:
    def refuse(run: Run, *values: Value) -> NoReturn:
        raise LispyError("immutable", f"{name} would change data in place, which LisPy does not do",
                         help=f"write {instead}")  # fmt: skip

    doc = f"Always an error: data never changes. Write {instead}."
    builtin(name, f"({name} ...)", doc, example=f"({name} nil nil nil) ;!> immutable")(refuse)


for _instead, _names in INSTEAD.items():
    for _name in _names:
        _refuse(_name, _instead)
