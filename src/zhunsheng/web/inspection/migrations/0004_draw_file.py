import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inspection", "0003_numbers_and_strata")]

    operations = [
        migrations.RemoveField("draw", "frame"),
        migrations.RemoveField("draw", "assignment"),
        migrations.AddField("draw", "fallback", models.PositiveSmallIntegerField(default=0, verbose_name="备用来源")),
        migrations.AddField("draw", "fallback_reason", models.CharField(blank=True, default="", max_length=300, verbose_name="启用备用来源的理由")),
        migrations.CreateModel(
            name="DrawFile",
            fields=[
                (
                    "draw",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name="file",
                        serialize=False, to="inspection.draw", verbose_name="抽取",
                    ),
                ),
                ("frame", models.BinaryField(verbose_name="名录快照(gzip,每行一叶)")),
                ("assignment", models.TextField(blank=True, default="", verbose_name="派员(规范化 JSON)")),
            ],
            options={"verbose_name": "抽取卷宗", "verbose_name_plural": "抽取卷宗"},
        ),
    ]
