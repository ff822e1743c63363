from django.db import migrations

from zhunsheng.web.desk.searching import database


class Migration(migrations.Migration):
    dependencies = [("desk", "0004_deliveries_jobs_bulk")]
    operations = [
        migrations.RunPython(lambda apps, schema_editor: database.ensure(), lambda apps, schema_editor: database.remove())
    ]
