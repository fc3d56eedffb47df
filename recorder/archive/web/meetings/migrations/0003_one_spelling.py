from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import Count, Max, Min
from django.db.models.functions import Upper


def in_capitals(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """A case that was named in two spellings is one, decided on the latest of its days; each is spelt in capitals.

    What its lines of the audit trail say stays as it was typed: nothing of the trail is ever changed.
    """
    cases = apps.get_model("meetings", "Case").objects
    links, holds = apps.get_model("meetings", "Link").objects, apps.get_model("holds", "Hold").objects
    spelt = cases.annotate(capitals=Upper("number"))
    twice = spelt.values("capitals").annotate(spellings=Count("pk"), first=Min("pk"), last_ms=Max("decided_ms"))
    for each in twice.filter(spellings__gt=1):
        others = list(spelt.filter(capitals=each["capitals"]).exclude(pk=each["first"]).values_list("pk", flat=True))
        links.filter(case__in=others).update(case=each["first"])
        holds.filter(case__in=others).update(case=each["first"])
        cases.filter(pk__in=others).delete()
        cases.filter(pk=each["first"]).update(decided_ms=each["last_ms"])
    cases.exclude(number=Upper("number")).update(number=Upper("number"))


class Migration(migrations.Migration):
    dependencies = [("meetings", "0002_disputes"), ("holds", "0002_running")]

    operations = [migrations.RunPython(in_capitals, migrations.RunPython.noop)]
