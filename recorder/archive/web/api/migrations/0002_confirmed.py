from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def confirm(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Tokens that are there worked before anybody could confirm them, and go on."""
    apps.get_model("api", "Token").objects.update(confirmed_ms=models.F("made_ms"))


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0001_initial"),
    ]

    operations = [
        migrations.AddField(model_name="token", name="confirmed_ms", field=models.BigIntegerField(null=True)),
        migrations.RunPython(confirm, migrations.RunPython.noop),
    ]
