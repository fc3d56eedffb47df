from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.utils.translation import gettext, override

from recorder.archive.listing import rows
from recorder.archive.web.archive import archive, terms
from recorder.archive.web.clock import now_ms

_DAY_MS = 86_400_000
_SAID = ("to_grant", "to_refuse", "to_withdraw")


def as_if_asked_now(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Erasures that wait and were asked for in the client's days are late at the end of these.

    What the desk entered of them, and nobody had said anything of when two people began to be needed, counted before. Whoever
    entered it is the first of two now, and it is listed for a second one: else it would lie where nobody looks.
    """
    requests, events = apps.get_model("rights", "Request").objects, apps.get_model("rights", "Event").objects
    waiting = list(requests.filter(kind="erasure", state__in=("open", "extended")))
    if not waiting:
        return  # also of a new database, whose archive may not be there yet
    there = {each.recording: each for each in rows(archive().catalogue, {each.recording for each in waiting})}
    for asked in waiting:
        row = there.get(asked.recording)
        if row is None or row.state != "kept":
            continue
        end_ms = (row.came_ms or row.first_ms) + terms().client_days * _DAY_MS
        if asked.came_ms >= end_ms:
            continue
        asked.due_ms = min(asked.due_ms, end_ms)
        of = events.filter(request=asked)
        came = of.filter(what="came", person__isnull=False).first()
        if asked.channel != "page" and came is not None and not of.filter(what__in=_SAID).exists():
            asked.proposed, asked.proposed_by_id, asked.proposed_ms = "granted", came.person_id, now_ms()
            with override(settings.LANGUAGE_CODE):
                asked.decision = gettext("You asked for it within your first days. Then we need no reason.")
            events.create(
                request=asked,
                what="to_grant",
                words=asked.decision,
                person_id=came.person_id,
                at_ms=asked.proposed_ms,
            )
        asked.save()


class Migration(migrations.Migration):
    dependencies = [("rights", "0004_looked_at_again"), ("policy", "0001_initial")]

    operations = [migrations.RunPython(as_if_asked_now, migrations.RunPython.noop)]
