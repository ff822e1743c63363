from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inspection", "0002_initial")]

    operations = [
        migrations.AddField("checkitem", "replaces", models.CharField(blank=True, default="", max_length=40, verbose_name="承接的旧事项代码")),
        migrations.AddField("draw", "strata", models.JSONField(blank=True, default=list, verbose_name="分层")),
        # No installation has tasks yet, so the one default that is not unique is never used twice.
        migrations.AddField("task", "no", models.CharField(default="", max_length=60, unique=True, verbose_name="任务编号"), preserve_default=False),
        migrations.AddField("task", "withdrawn_at", models.DateTimeField(blank=True, null=True, verbose_name="撤回时间")),
    ]
