from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inspection", "0005_drawing")]

    operations = [
        migrations.AddField(
            model_name="drawfile",
            name="directory",
            field=models.JSONField(default=list, verbose_name="公告时的检查人员名录"),
        ),
    ]
