from django.db import migrations, models


class Migration(migrations.Migration):
    """An index by itself: PostgreSQL makes none on a table whose rows the same transaction has just written."""

    dependencies = [
        ("people", "0003_confirmed"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="person",
            index=models.Index(condition=models.Q(("confirmed_ms", None)), fields=["name"], name="people_to_confirm"),
        ),
    ]
