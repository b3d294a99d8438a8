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
        "dict-set!", "hash-set!", "hash-set*!", "hash-table-set!", "hash-put!", "hash-table-put!",
        "hash-table/put!", "dict-put!", "puthash", "put!", "assoc!", "assq-set!", "assoc-set!", "set-in!",
    ),
    "(set! d (dissoc d k))": (
        "dict-remove!", "dict-delete!", "hash-remove!", "hash-delete!", "hash-table-delete!",
        "hash-table-remove!", "remhash", "dissoc!",
    ),
    "(set! d {})": ("hash-clear!", "hash-table-clear!", "clrhash", "dict-clear!"),
    "(set! d (update d k f))": (
        "dict-update!", "hash-update!", "hash-table-update!", "hash-table-update!/default", "update!",
        "hash-table-modify!",
    ),
    "(get d k default)": ("hash-ref!", "dict-ref!", "hash-table-ref!"),
    "(set! d (dict-set d k (append (get d k) (list x))))": ("hash-append!", "hash-push!", "dict-append!"),
    "(set! d (dict-merge d e))": ("dict-merge!", "merge!", "hash-union!"),
    "(set! l (list-set l n x))": ("list-set!", "vector-set!", "set-nth!", "string-set!", "aset"),
    "(set! l (cons x (cdr l)))": ("set-car!", "rplaca", "setcar"),
    "(set! l (cons (car l) x))": ("set-cdr!", "rplacd", "setcdr"),
    "(set! l (append l (list x)))": (
        "push!", "append!", "conj!", "vector-push!", "add!", "list-append!", "insert!", "nconc",
        "vector-push", "vector-push-extend", "list-push!", "enqueue!",
    ),
    "(set! l (cons x l))": ("push", "cons!", "prepend!"),
    "(set! l (cdr l))": ("pop!", "pop", "dequeue!"),
    "(set! l (reverse l))": ("reverse!",),
    "(set! l (sort l f))": ("sort!", "sort-by!", "vector-sort!"),
    "(set! l (random-shuffle l))": ("shuffle!",),
    "(set! l (filter f l))": ("filter!", "remove!", "delete!"),
    "(map f l)": ("map!", "vector-map!", "vector-fill!"),
    "(set! x (f x))": ("swap!", "alter", "vswap!", "box-swap!"),
    "(set! x value)": ("reset!", "set-box!", "vreset!"),
    "(set! n (+ n 1))": ("inc!", "increment!", "add1!"),
    "(set! n (- n 1))": ("dec!", "decrement!", "sub1!"),
    "(set! s (string-append s t))": ("string-append!", "string-concat!"),
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
