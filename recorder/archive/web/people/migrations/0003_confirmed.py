import time

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def confirm(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Accounts that are there worked before anybody could confirm them, and go on."""
    apps.get_model("people", "Person").objects.update(confirmed_ms=time.time_ns() // 1_000_000)


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0002_era"),
    ]

    operations = [
        migrations.AddField(
            model_name="person",
            name="confirmed_ms",
            field=models.BigIntegerField(null=True),
        ),
        migrations.RunPython(confirm, migrations.RunPython.noop),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("line", models.BigIntegerField()),
                ("at_ms", models.BigIntegerField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
