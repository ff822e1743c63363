from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inspection", "0004_draw_file")]

    operations = [
        migrations.AddField("drawfile", "keys", models.BinaryField(default=bytes, verbose_name="名录主键(gzip)")),
        migrations.AddField("task", "unit_id", models.CharField(default="", max_length=160, verbose_name="抽中时的主体标识"), preserve_default=False),
    ]
