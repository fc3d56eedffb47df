"""Whether an act locks in the order of `trail.writing.acting`: the end of the trail before what it changes.

Watches what is asked of the database in a test that has a transaction of its own round all: each of the program's is a
savepoint in it then. A lock that changes nothing (FOR UPDATE) is not seen, for SQLite has none; what is changed under it is.
"""

import re
from collections.abc import Callable
from typing import Any

ACCOUNTS = re.compile(r"people_|mfa_|account_|socialaccount_|django_session|limits")
"""What an act on an account, and a sign-in, have in hand before."""
_CHANGES = re.compile(r'\s*(?:INSERT (?:OR IGNORE )?INTO|UPDATE|DELETE FROM) "?(\w+)')
_HEAD = "trail_head"


class OutOfOrder(AssertionError):
    """An act changed something, and then asked for the end of the trail."""


class Order:
    """For `connection.execute_wrapper`."""

    def __init__(self) -> None:
        self._depth = 0
        self._first: str | None = None
        """What a transaction of the program's has in hand first of all that is no account."""

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SAVEPOINT"):
            self._first = self._first if self._depth else None
            self._depth += 1
        elif sql.startswith("RELEASE"):
            self._depth -= 1
        elif self._depth:
            self._look(sql)
        return execute(sql, params, many, context)

    def _look(self, sql: str) -> None:
        changes = _CHANGES.match(sql)
        table = _HEAD if _HEAD in sql else changes[1] if changes else ""
        if self._first is None and table and not ACCOUNTS.match(table):
            self._first = table
        if table == _HEAD and self._first != _HEAD:
            raise OutOfOrder(f"the end of the trail is locked behind {self._first}")
