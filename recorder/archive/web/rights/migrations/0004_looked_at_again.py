from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rights", "0003_two_people")]

    operations = [
        migrations.AddField(model_name="restriction", name="looked_ms", field=models.BigIntegerField(null=True)),
    ]
