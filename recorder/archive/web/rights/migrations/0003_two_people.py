import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F

_DAY_MS = 86_400_000
_ONE_CAUSE = models.Q(("disclosure__isnull", False), ("request__isnull", True)) | models.Q(
    ("disclosure__isnull", True), ("request__isnull", False)
)


def a_year_from_when_it_was_set(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """So what has stood for longer is overdue at once, and listed."""
    restrictions = apps.get_model("rights", "Restriction").objects
    restrictions.update(look_again_ms=F("at_ms") + 365 * _DAY_MS)


class Migration(migrations.Migration):
    """Erasures that were granted before this are confirmed: nothing is proposed of them, so they count as they did."""

    dependencies = [
        ("rights", "0002_asked_and_done"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="request",
            name="proposed",
            field=models.CharField(
                choices=[("granted", "granted"), ("refused", "refused"), ("withdrawn", "withdrawn")],
                default=None,
                max_length=16,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="request",
            name="proposed_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(model_name="request", name="proposed_ms", field=models.BigIntegerField(null=True)),
        migrations.AddField(
            model_name="request",
            name="confirmed_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="request",
            index=models.Index(fields=["proposed", "due_ms"], name="requests_proposed"),
        ),
        migrations.AlterField(
            model_name="event",
            name="what",
            field=models.CharField(
                choices=[
                    ("came", "came"),
                    ("extended", "extended"),
                    ("masked", "masked"),
                    ("unmasked", "unmasked"),
                    ("copied", "copied"),
                    ("to_grant", "to_grant"),
                    ("to_refuse", "to_refuse"),
                    ("to_withdraw", "to_withdraw"),
                    ("declined", "declined"),
                    ("granted", "granted"),
                    ("refused", "refused"),
                    ("withdrawn", "withdrawn"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="mask",
            name="disclosure",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="masks",
                to="rights.disclosure",
            ),
        ),
        migrations.AlterField(
            model_name="mask",
            name="request",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="masks",
                to="rights.request",
            ),
        ),
        migrations.AddConstraint(
            model_name="mask",
            constraint=models.CheckConstraint(condition=_ONE_CAUSE, name="mask_for_one_cause"),
        ),
        migrations.AddField(
            model_name="restriction",
            name="look_again_ms",
            field=models.BigIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="restriction",
            index=models.Index(fields=["lifted_ms", "look_again_ms"], name="restrictions_to_look_at"),
        ),
        migrations.RunPython(a_year_from_when_it_was_set, migrations.RunPython.noop),
    ]
