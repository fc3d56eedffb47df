"""The database itself keeps the trail: a slip of the program, and who got hold of a role that owns nothing, cannot alter it.

What may happen: a line is written; its words go, both columns at once; and whole lines go that are three years old by the
database's own clock, with the checkpoints that tell of them. The end of the chain only moves on; to write it as it
is, as a refused sign-in of nobody does, changes nothing.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

DAYS = 1_095
"""A day less than `recorder.archive.audit.KEPT_DAYS`: another clock decided what goes."""
SAME = ("number", "text", "hash", "wall_ms", "person", "action", "recording", "device", "result")
NOW_MS = {
    "sqlite": "CAST(strftime('%s', 'now') AS INTEGER) * 1000",
    "postgresql": "extract(epoch FROM clock_timestamp()) * 1000",
}
_OTHER = "NOT (NEW.hash {is_} OLD.hash)"
_YOUNG = f"OLD.wall_ms > {{now_ms}} - {DAYS * 86_400_000}"
GUARDS = (
    ("trail_line", "kept", "DELETE", _YOUNG),
    (
        "trail_line",
        "written_once",
        "UPDATE",
        f"NOT ({' AND '.join(f'NEW.{each} {{is_}} OLD.{each}' for each in SAME)} AND NEW.details IS NULL AND NEW.salt IS NULL)",
    ),
    ("trail_checkpoint", "kept", "DELETE", _YOUNG),
    ("trail_checkpoint", "written_once", "UPDATE", "true"),
    ("trail_head", "kept", "DELETE", "true"),
    (
        "trail_head",
        "moves_on",
        "UPDATE",
        f"NEW.number < OLD.number OR NEW.id <> OLD.id OR NEW.number = OLD.number AND {_OTHER}",
    ),
)
"""Table, name, what is refused, and when: a condition in SQL, in which both databases have two words of their own."""


def guard(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """A trigger for each of GUARDS."""
    vendor = editor.connection.vendor
    if vendor == "postgresql":
        editor.execute(
            "CREATE FUNCTION trail_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit trail is kept: % on % is refused', TG_OP, TG_TABLE_NAME; END $$",
            params=None,
        )
    for table, name, event, condition in GUARDS:
        is_ = "IS NOT DISTINCT FROM" if vendor == "postgresql" else "IS"
        when = condition.format(now_ms=NOW_MS[vendor], is_=is_)
        begin = f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} FOR EACH ROW WHEN ({when})"
        refusal = (
            "EXECUTE FUNCTION trail_refuse()"
            if vendor == "postgresql"
            else f"BEGIN SELECT RAISE(ABORT, 'the audit trail is kept: {event} on {table} is refused'); END"
        )
        editor.execute(f"{begin} {refusal}", params=None)


class Migration(migrations.Migration):
    dependencies = [("trail", "0001_initial")]

    operations = [migrations.RunPython(guard)]
