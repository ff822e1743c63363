from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inspection", "0004_burden_and_upstream")]

    operations = [
        migrations.AddField(
            model_name="draw",
            name="results_digest",
            field=models.CharField(blank=True, default="", max_length=64, verbose_name="结果摘要"),
        ),
        migrations.AddField(
            model_name="plan",
            name="submitted_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="提交时间"),
        ),
        migrations.AddField(
            model_name="teammember",
            name="took_lead",
            field=models.BooleanField(default=False, verbose_name="替换主检"),
        ),
        migrations.RunSQL(
            # Plans of the time before were complete when they were drafted.
            "UPDATE inspection_plan SET submitted_at = created_at",
            migrations.RunSQL.noop,
        ),
    ]
