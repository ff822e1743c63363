from django.db import migrations


class Migration(migrations.Migration):
    # Versions of an item share its code, so nothing needs to say which code took over which.
    dependencies = [("inspection", "0005_task_unit_id")]

    operations = [migrations.RemoveField("checkitem", "replaces")]
