from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0004_to_confirm"),
    ]

    operations = [
        migrations.CreateModel(
            name="Mark",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("hash", models.CharField(max_length=64)),
            ],
        ),
    ]
