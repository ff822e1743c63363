from django.db import migrations

from zhunsheng.web.desk.searching import database


class Migration(migrations.Migration):
    dependencies = [("desk", "0003_attachments_and_search")]
    operations = [
        migrations.RunPython(lambda apps, schema_editor: database.ensure(), lambda apps, schema_editor: database.remove())
    ]
