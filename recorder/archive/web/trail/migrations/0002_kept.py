"""The database itself keeps the trail: a slip of the program, and who got hold of a role that owns nothing, cannot alter it.

What may happen: a line is written behind the last one, and the end of the chain moves to it, by the database's own hand; its
words go, both columns at once; and whole lines go that are three years old by the database's own clock, with the checkpoints
that tell of them. To write the end as it is, as a refused sign-in of nobody does, changes nothing.
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
IS = {"sqlite": "IS", "postgresql": "IS NOT DISTINCT FROM"}
_YOUNG = f"OLD.wall_ms > {{now_ms}} - {DAYS * 86_400_000}"
_ALTERED = f"NOT ({' AND '.join(f'NEW.{each} {{is_}} OLD.{each}' for each in SAME)})"
_WORDS = "NEW.details IS NOT NULL OR NEW.salt IS NOT NULL"
_ELSEWHERE = "NEW.number <> 1 + coalesce((SELECT max(number) FROM trail_head), 0)"
_STAYS = "NEW.id = OLD.id AND NEW.number = OLD.number AND NEW.hash = OLD.hash"
_MOVES = (
    "NEW.id = OLD.id AND NEW.number = OLD.number + 1 "
    "AND EXISTS (SELECT 1 FROM trail_line WHERE number = NEW.number AND hash = NEW.hash)"
)
GUARDS = (
    ("trail_line", "behind_the_last", "INSERT", _ELSEWHERE),
    ("trail_line", "kept", "DELETE", _YOUNG),
    ("trail_line", "written_once", "UPDATE", f"{_ALTERED} OR {_WORDS}"),
    ("trail_checkpoint", "kept", "DELETE", _YOUNG),
    ("trail_checkpoint", "written_once", "UPDATE", "true"),
    ("trail_head", "kept", "DELETE", "true"),
    ("trail_head", "moves_on", "UPDATE", f"NOT ({_STAYS}) AND NOT ({_MOVES})"),
)
"""Table, name, what is refused, and when: a condition in SQL, in which both databases have two words of their own."""
MOVE = "UPDATE trail_head SET number = NEW.number, hash = NEW.hash;"


def guard(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """A trigger for each of GUARDS, and the one that moves the end."""
    vendor = editor.connection.vendor
    for table, name, event, condition in GUARDS:
        when, said = (
            condition.format(now_ms=NOW_MS[vendor], is_=IS[vendor]),
            f"the audit trail is kept: {event} on {table}",
        )
        if vendor == "postgresql":
            row = "OLD" if event == "DELETE" else "NEW"
            body = f"IF {when} THEN RAISE EXCEPTION '{said} is refused'; END IF; RETURN {row};"
            _trigger(editor, f"{table}_{name}", f"BEFORE {event} ON {table}", body)
        else:
            refusal = f"SELECT RAISE(ABORT, '{said} is refused');"
            begin = f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} FOR EACH ROW WHEN {when}"
            editor.execute(f"{begin} BEGIN {refusal} END", params=None)
    if vendor == "postgresql":
        _trigger(editor, "trail_line_moves_the_end", "AFTER INSERT ON trail_line", f"{MOVE} RETURN NULL;")
    else:
        begin = "CREATE TRIGGER trail_line_moves_the_end AFTER INSERT ON trail_line FOR EACH ROW"
        editor.execute(f"{begin} BEGIN {MOVE} END", params=None)


def _trigger(editor: BaseDatabaseSchemaEditor, name: str, when: str, body: str) -> None:
    made = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
    editor.execute(made, params=None)
    editor.execute(f"CREATE TRIGGER {name} {when} FOR EACH ROW EXECUTE FUNCTION {name}()", params=None)


class Migration(migrations.Migration):
    dependencies = [("trail", "0001_initial")]

    operations = [migrations.RunPython(guard)]
