"""Entries get their numbers after the commit; blocks are those of the tiles; checkpoints are signed; triggers keep all."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from zhunsheng.engine.public_log import tree_root
from zhunsheng.web.public_log import guards

COPY = (
    'INSERT INTO public_log_numberedentry ("index", at, kind, subject, body, leaf_hash, act_id) '
    'SELECT "index", at, kind, subject, body, leaf_hash, act_id FROM public_log_logentry ORDER BY "index"'
)


def close_blocks(apps, schema_editor):
    """The roots of every 256 hashes, level by level, from the leaf hashes as they are."""
    block_model = apps.get_model("public_log", "LogBlock")
    entry_model = apps.get_model("public_log", "NumberedEntry")
    hashes = [
        bytes.fromhex(one)
        for one in entry_model.objects.order_by("index").values_list("leaf_hash", flat=True).iterator(chunk_size=5000)
    ]
    level = 1
    while len(hashes) >= 256:
        hashes = [tree_root(hashes[n : n + 256]) for n in range(0, len(hashes) - 255, 256)]
        block_model.objects.bulk_create(
            [block_model(level=level, index=n, root=root.hex()) for n, root in enumerate(hashes)], batch_size=2000
        )
        level += 1


def guard(apps, schema_editor):
    guards.install()


def unguard(apps, schema_editor):
    guards.remove()


class Migration(migrations.Migration):
    dependencies = [("public_log", "0001_initial")]

    operations = [
        # The number was the key of the table, and an entry that waits has none: the rows move to a table with a key of
        # its own. Texts and hashes stay as they are, and with them the root.
        migrations.CreateModel(
            name="NumberedEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("index", models.BigIntegerField(null=True, unique=True, verbose_name="序号")),
                ("at", models.DateTimeField(db_index=True, verbose_name="时间")),
                ("kind", models.CharField(db_index=True, max_length=40, verbose_name="类别")),
                ("subject", models.CharField(db_index=True, max_length=160, verbose_name="对象")),
                ("body", models.TextField(verbose_name="内容（规范化 JSON）")),
                ("leaf_hash", models.CharField(db_index=True, max_length=64, verbose_name="叶哈希")),
                ("act", models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="public_log.act")),
            ],
        ),
        migrations.RunSQL(COPY, migrations.RunSQL.noop),
        migrations.DeleteModel(name="LogBlock"),
        migrations.CreateModel(
            name="LogBlock",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("level", models.PositiveSmallIntegerField(verbose_name="层")),
                ("index", models.BigIntegerField(verbose_name="块序号")),
                ("root", models.CharField(max_length=64, verbose_name="块哈希")),
            ],
            options={"verbose_name": "哈希块", "verbose_name_plural": "哈希块", "ordering": ["level", "index"]},
        ),
        migrations.AddConstraint(
            model_name="logblock",
            constraint=models.UniqueConstraint(fields=("level", "index"), name="one_block"),
        ),
        migrations.RunPython(close_blocks, migrations.RunPython.noop),
        migrations.DeleteModel(name="LogEntry"),
        migrations.RenameModel("NumberedEntry", "LogEntry"),
        migrations.AlterField(
            model_name="logentry",
            name="act",
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="log_entry", to="public_log.act"),
        ),
        migrations.AlterModelOptions(
            name="logentry",
            options={"ordering": ["-id"], "verbose_name": "存证条目", "verbose_name_plural": "存证条目"},
        ),
        migrations.AddIndex(
            model_name="logentry",
            index=models.Index(condition=models.Q(("index", None)), fields=["id"], name="log_waiting"),
        ),
        migrations.AddField(
            model_name="loghead",
            name="origin",
            field=models.CharField(blank=True, default="", max_length=200, verbose_name="日志名称"),
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("size", models.BigIntegerField(primary_key=True, serialize=False, verbose_name="条目数")),
                ("root", models.CharField(max_length=64, verbose_name="根哈希")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="签名时间")),
                ("key", models.TextField(verbose_name="公钥")),
                ("note", models.TextField(verbose_name="签名文本")),
            ],
            options={"verbose_name": "检查点", "verbose_name_plural": "检查点", "ordering": ["-size"]},
        ),
        migrations.CreateModel(
            name="Witness",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True, verbose_name="公钥名称")),
                ("key", models.TextField(verbose_name="公钥")),
                ("organisation", models.CharField(max_length=120, verbose_name="单位")),
                ("added_at", models.DateTimeField(verbose_name="列入时间")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="停止时间")),
            ],
            options={"verbose_name": "见证人", "verbose_name_plural": "见证人", "ordering": ["name"]},
        ),
        migrations.CreateModel(
            name="Timestamp",
            fields=[
                ("checkpoint", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name="timestamp", serialize=False, to="public_log.checkpoint")),
                ("at", models.DateTimeField(verbose_name="时间戳时间")),
                ("authority", models.CharField(max_length=300, verbose_name="时间戳服务机构")),
                ("token", models.BinaryField()),
            ],
            options={"verbose_name": "时间戳", "verbose_name_plural": "时间戳"},
        ),
        migrations.CreateModel(
            name="Cosignature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="联署时间")),
                ("line", models.TextField(verbose_name="签名行")),
                ("checkpoint", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="cosignatures", to="public_log.checkpoint")),
                ("witness", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="cosignatures", to="public_log.witness")),
            ],
            options={"verbose_name": "联署", "verbose_name_plural": "联署", "ordering": ["witness_id"]},
        ),
        migrations.AddConstraint(
            model_name="cosignature",
            constraint=models.UniqueConstraint(fields=("checkpoint", "witness"), name="one_cosignature"),
        ),
        migrations.RunPython(guard, unguard),
    ]
