"""附件: taken in, kept once, shown to those who may, published without traces, swept when nobody keeps them."""

import datetime
import hashlib
import io
import stat
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image
from pypdf import PdfReader

from tests.web.common import sent
from zhunsheng.web.common.errors import Refused
from zhunsheng.web.desk import actions, providers
from zhunsheng.web.desk.attachments import queries
from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db
AT = datetime.datetime(2026, 11, 24, 1, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def guards(monkeypatch):
    found = []
    monkeypatch.setattr(providers, "_attachment_guards", found)
    return found


def attach(data=b"", name="现场.jpg", by=None, at=AT):
    return actions.attach(SimpleUploadedFile(name, data or sent.GOOD[name]), by=by, at=at)


def stored(media) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


class TestTakingIn:
    @pytest.mark.parametrize("name", sent.GOOD)
    def test_every_kind_is_taken_with_its_hash(self, town, name):
        data = sent.GOOD[name]
        kept = attach(name=name, by=town.user("member"))
        assert (kept.name, kept.size, kept.sha256) == (name, len(data), hashlib.sha256(data).hexdigest())
        assert Path(kept.file.path).read_bytes() == data
        assert kept.file.name == f"attachments/{kept.sha256[:2]}/{kept.sha256[2:]}"

    def test_one_record_says_what_came_from_whom(self, town):
        lin = town.user("member")
        kept = attach(by=lin)
        act = Act.objects.get(verb="attach")
        assert (act.by, act.subject_id, act.changes["sha256"]) == (lin, str(kept.pk), [None, kept.sha256])

    def test_the_same_bytes_again_change_nothing(self, town):
        lin = town.user("member")
        first = attach(by=lin)
        assert actions.attach(SimpleUploadedFile("别名.jpg", sent.GOOD["现场.jpg"]), by=lin, at=AT) == first
        assert Act.objects.filter(verb="attach").count() == 1

    def test_two_people_with_the_same_bytes_have_an_attachment_each_and_one_file(self, town, media):
        one, other = attach(by=town.user("member")), attach(by=town.user("head"))
        assert one != other
        assert one.file.name == other.file.name
        assert len(stored(media)) == 2  # the file and its thumbnail

    def test_without_an_account_each_is_one_of_its_own(self, media):
        assert attach() != attach()
        assert Attachment.objects.filter(created_by=None).count() == 2

    def test_a_name_without_an_ending_gets_one(self, town):
        assert attach(sent.pdf(), "证据", by=town.user("member")).name == "证据.pdf"

    def test_a_name_is_only_a_name(self, town):
        kept = attach(sent.picture(), "..\\..\\a/\u202egnp\n.jpg", by=town.user("member"))
        assert kept.name == "gnp.jpg"

    def test_what_is_refused_leaves_nothing(self, town, media):
        with pytest.raises(Refused):
            attach(b"MZ\0\0", "程序.pdf", by=town.user("member"))
        assert not stored(media)
        assert not Attachment.objects.exists()
        assert not Act.objects.filter(verb="attach").exists()

    def test_the_limit_is_counted_as_bytes_come(self, town, media, settings):
        settings.MAX_UPLOAD_BYTES = 1 << 20
        upload = SimpleUploadedFile("a.txt", b"a" * (1 << 20) + b"b")
        upload.size = 3  # what a sender says
        with pytest.raises(Refused, match="超过 1 MB"):
            actions.attach(upload, by=town.user("member"), at=AT)
        assert not stored(media)

    def test_each_kind_has_a_limit_of_its_own(self, town):
        with pytest.raises(Refused, match="纯文本最多 5 MB"):
            attach(b"a" * (5 << 20) + b"b", "a.txt", by=town.user("member"))


class TestScanner:
    def scanner(self, settings, tmp_path, body):
        script = tmp_path / "scanner.sh"
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        settings.SCANNER = f"{script} --quiet"

    def test_it_is_given_the_path_and_its_zero_is_a_yes(self, town, settings, tmp_path):
        self.scanner(settings, tmp_path, f'test "$1" = --quiet && cp "$2" {tmp_path}/seen')
        attach(by=town.user("member"))
        assert (tmp_path / "seen").read_bytes() == sent.GOOD["现场.jpg"]

    def test_its_one_is_a_no(self, town, settings, tmp_path, media):
        self.scanner(settings, tmp_path, "echo EICAR; exit 1")
        with pytest.raises(Refused, match="安全检查没有通过"):
            attach(by=town.user("member"))
        assert not stored(media)

    @pytest.mark.parametrize("body", ["exit 2", "kill -9 $$"])
    def test_a_scanner_that_fails_lets_nothing_through(self, town, settings, tmp_path, media, body):
        self.scanner(settings, tmp_path, body)
        with pytest.raises(Refused, match="安全检查现在做不了"):
            attach(by=town.user("member"))
        assert not stored(media)

    def test_nor_does_one_that_is_not_there(self, town, settings):
        settings.SCANNER = "/nowhere/scanner"
        with pytest.raises(Refused, match="安全检查现在做不了"):
            attach(by=town.user("member"))


class TestPublicCopies:
    @pytest.mark.parametrize("name", ["现场.jpg", "现场.png", "现场.webp"])
    def test_of_a_picture_only_the_picture_is_left_and_it_stands_upright(self, town, name):
        kept = actions.public_copy(attach(name=name, by=town.user("member")))
        data = Path(kept.public_file.path).read_bytes()
        assert sent.SECRET.encode() in sent.GOOD[name]
        assert sent.SECRET.encode() not in data
        assert not any(word in data for word in (b"Exif", b"http://ns.adobe.com", b"tEXt", b"EXIF", b"XMP "))
        with Image.open(io.BytesIO(data)) as picture:
            assert not picture.getexif()
            assert picture.size == (48, 64)  # it was held sideways
            upper, lower = picture.convert("RGB").getpixel((24, 5)), picture.convert("RGB").getpixel((24, 60))
        assert upper[0] > 200 > 60 > upper[2]
        assert lower[2] > 200 > 60 > lower[0]

    def test_of_a_pdf_the_pages_are_left_and_not_its_maker(self, town):
        kept = actions.public_copy(attach(name="证据.pdf", by=town.user("member")))
        data = Path(kept.public_file.path).read_bytes()
        assert sent.SECRET.encode() in sent.GOOD["证据.pdf"]
        assert sent.SECRET.encode() not in data
        reader = PdfReader(io.BytesIO(data))
        assert len(reader.pages) == 1
        assert reader.metadata is None or not {"/Author", "/CreationDate"} & set(reader.metadata)
        assert "/Metadata" not in reader.trailer["/Root"]
        inner = reader.pages[0]["/Resources"]["/XObject"]["/Im0"].get_object()._data
        with Image.open(io.BytesIO(inner)) as photo, Image.open(io.BytesIO(sent.picture())) as before:
            assert not photo.getexif()
            assert photo.tobytes() == before.tobytes()  # not one pixel was touched

    def test_it_is_made_once(self, town):
        kept = actions.public_copy(attach(by=town.user("member")))
        assert actions.public_copy(kept).public_file.name == kept.public_file.name
        assert Attachment.objects.get().public_file.name == kept.public_file.name

    @pytest.mark.parametrize("name", ["信.docx", "表.xlsx", "通知.ofd", "录像.mp4"])
    def test_what_cannot_be_cleaned_is_not_published(self, town, name):
        with pytest.raises(Refused, match="请转成 PDF 或图片"):
            actions.public_copy(attach(name=name, by=town.user("member")))

    def test_an_encrypted_pdf_is_kept_and_never_published(self, town):
        kept = attach(sent.pdf(password="secret"), "密.pdf", by=town.user("member"))
        assert kept.encrypted
        with pytest.raises(Refused, match="有密码的 PDF 不能公开"):
            actions.public_copy(kept)

    def test_a_file_that_is_gone_is_said_to_be_gone(self, town):
        kept = attach(by=town.user("member"))
        Path(kept.file.path).unlink()
        with pytest.raises(Refused, match="已不在服务器上"):
            actions.public_copy(kept)


class TestSeeing:
    def get(self, client, user, kept, name="attachment", **query):
        client.force_login(user)
        return client.get(reverse(f"desk:{name}", args=[kept.pk]), query)

    def test_the_owner_sees_it(self, client, town, guards):
        lin = town.user("member")
        answer = self.get(client, lin, attach(by=lin))
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
        assert b"".join(answer.streaming_content) == sent.GOOD["现场.jpg"]

    def test_for_everybody_else_it_is_not_there(self, client, town, guards):
        kept = attach(by=town.user("member"))
        for user in (town.user("head"), town.user("sysadmin"), town.user("lab"), town.firm_user(town.entity())):
            assert self.get(client, user, kept).status_code == 404
            assert self.get(client, user, kept, "attachment_thumbnail").status_code == 404

    def test_without_a_login_nobody_sees_it(self, client, town, guards):
        kept = attach()
        answer = client.get(reverse("desk:attachment", args=[kept.pk]))
        assert answer.status_code == 302
        assert "login" in answer.url

    def test_one_guard_that_says_yes_is_enough_and_it_is_asked_about_this_file(self, client, town, guards):
        kept, other = attach(by=town.user("member")), attach(name="证据.pdf", by=town.user("member"))
        providers.add_attachment_guard(lambda user, one: False)
        providers.add_attachment_guard(lambda user, one: one == kept and user.username == "wu")
        wu = town.user("head", username="wu")
        assert self.get(client, wu, kept).status_code == 200
        assert self.get(client, wu, other).status_code == 404

    @pytest.mark.parametrize("name", sent.GOOD)
    def test_headers_say_what_it_is_and_that_it_may_do_nothing(self, client, town, guards, name):
        lin = town.user("member")
        answer = self.get(client, lin, attach(name=name, by=lin))
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert "script-src" not in answer["Content-Security-Policy"]
        shown = name.endswith((".jpg", ".png", ".webp", ".pdf"))
        assert answer["Content-Disposition"].startswith("inline" if shown else "attachment")
        assert answer["Content-Security-Policy"].startswith("sandbox") != name.endswith(".pdf")
        assert "private" in answer["Cache-Control"]
        assert self.get(client, lin, Attachment.objects.get(), download="")["Content-Disposition"].startswith(
            "attachment"
        )

    def test_a_thumbnail_is_small_and_plain(self, client, town, guards):
        lin = town.user("member")
        kept = attach(sent.picture(size=(1600, 900)), "大.jpg", by=lin)
        data = b"".join(self.get(client, lin, kept, "attachment_thumbnail").streaming_content)
        assert sent.SECRET.encode() not in data
        with Image.open(io.BytesIO(data)) as picture:
            assert max(picture.size) == 320

    def test_what_has_no_thumbnail_has_none(self, client, town, guards):
        lin = town.user("member")
        assert self.get(client, lin, attach(name="证据.pdf", by=lin), "attachment_thumbnail").status_code == 404

    def test_no_plain_address_leads_to_the_bytes(self, client, town, guards):
        lin = town.user("member")
        kept = attach(by=lin)
        client.force_login(lin)
        for path in (f"/media/{kept.file.name}", f"/static/{kept.file.name}", f"/{kept.file.name}"):
            assert client.get(path).status_code == 404


class TestSweeping:
    LATER = AT + datetime.timedelta(days=8)

    def test_what_nothing_points_to_goes_after_a_week_with_its_bytes(
        self, town, media, django_capture_on_commit_callbacks
    ):
        kept = actions.public_copy(attach(by=town.user("member")))
        assert actions.sweep_attachments(AT + datetime.timedelta(days=6)) == 0
        with django_capture_on_commit_callbacks(execute=True):
            assert actions.sweep_attachments(self.LATER) == 1
        assert not Attachment.objects.filter(pk=kept.pk).exists()
        assert not stored(media)
        assert actions.sweep_attachments(self.LATER) == 0

    def test_bytes_that_another_still_has_stay(self, town, media, django_capture_on_commit_callbacks):
        attach(by=town.user("member"))
        young = attach(by=town.user("head"), at=self.LATER)
        with django_capture_on_commit_callbacks(execute=True):
            assert actions.sweep_attachments(self.LATER) == 1
        assert Path(young.file.path).is_file()
        assert Path(young.thumbnail.path).is_file()

    def test_every_foreign_key_of_every_room_keeps(self):
        """The condition names each model that points to an attachment, hidden reverse names or not."""
        from django.apps import apps
        from django.db.models import ForeignKey

        pointing = {
            field.model._meta.db_table
            for model in apps.get_models()
            for field in model._meta.local_fields
            if isinstance(field, ForeignKey) and field.related_model is Attachment
        }
        sql = str(queries.unkept(AT).query)
        assert pointing, "no room keeps attachments any more?"
        assert all(f'"{table}"' in sql for table in pointing)
