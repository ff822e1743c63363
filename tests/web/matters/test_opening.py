"""Opening a matter from a page: who may, what is asked, and that nothing typed is lost when something is wrong."""

import pytest
from django.urls import reverse

from tests.web.matters.conftest import as_typed, paper
from zhunsheng.engine.procedure import codes
from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.matters import queries
from zhunsheng.web.matters.models import Counter, Matter, MatterLink

pytestmark = pytest.mark.django_db

COMPLAINT = {"channel": "window", "subject": "电饭煲不通电", "complainant": "张三", "contact": "13912345678"}


def url(code, query=""):
    return reverse("matters:open", args=[code]) + query


def test_a_complaint_is_registered_and_handled_by_who_registered_it(room):
    answer = room.client("member").post(url("complaint"), COMPLAINT)
    matter = Matter.objects.get()
    assert answer.status_code == 302 and answer["Location"] == matter.get_absolute_url()
    assert (matter.handler, matter.state) == (room.users["member"], "received")
    assert "张三" not in matter.title


def test_what_is_missing_is_said_at_its_field_and_the_rest_stays(room):
    answer = room.client("member").post(url("complaint"), COMPLAINT | {"channel": "", "subject": "屏幕碎裂"})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["channel"]
    assert "屏幕碎裂" in answer.content.decode()
    assert (Matter.objects.count(), Counter.objects.count()) == (0, 0)


def test_an_upload_is_kept_while_the_form_is_put_right(room):
    client, entity = room.client("member"), room.entity
    facts = {
        "claimant": "李四", "contact": "13912345678", "firm": entity.unit_id, "product": "电视机", "bought_on": "2026-10-01",
        "trouble_on": "2026-11-01", "basis": "", "claimed": "1,999.50",
    }  # fmt: skip
    procedure = queries.procedure_on("compensation", queries.timezone.localdate())
    first = client.post(url("compensation"), facts | {"proof": paper("发票.txt")})
    assert first.status_code == 422 and "basis" in first.context["form"].errors
    assert "proof" not in first.context["form"].errors
    assert "发票.txt" in first.content.decode() and Attachment.objects.count() == 1
    kept = first.context["form"]["step_kept_proof"].value()
    basis = "damage"
    again = facts | {"basis": basis, "step_kept_proof": kept}
    for code in procedure.steps["claim"].needs:
        if code not in again:
            again |= as_typed(procedure, {code: room.value(procedure.facts[code], queries.timezone.now())})
    answer = client.post(url("compensation"), again)
    assert answer.status_code == 302, answer.context["form"].errors
    matter = Matter.objects.get()
    assert matter.documents.get(code="proof").attachment == Attachment.objects.get()
    assert matter.facts.get(code="claimed").number == 199_950


def test_somebody_elses_kept_upload_is_none(room):
    taken = room.client("member").post(url("compensation"), {"proof": paper("发票.txt")})
    kept = taken.context["form"]["step_kept_proof"].value()
    other = room.client("inspector").post(url("defect_filing"), {"step_kept_proof": kept})
    assert other.status_code == 422
    client = room.client("member")
    client.force_login(room.town.user("member", username="another"))
    assert "proof" in client.post(url("compensation"), {"step_kept_proof": kept}).context["form"].errors
    assert "proof" in client.post(url("compensation"), {"step_kept_proof": "nonsense"}).context["form"].errors


@pytest.mark.parametrize("hostile", [b"MZ\x90\x00" + b"\0" * 200, b"<html><script>alert(1)</script></html>"])
def test_a_hostile_upload_is_refused_at_its_field(room, hostile):
    from django.core.files.uploadedfile import SimpleUploadedFile

    answer = room.client("member").post(url("compensation"), {"proof": SimpleUploadedFile("发票.pdf", hostile)})
    assert answer.status_code == 422 and "proof" in answer.context["form"].errors
    assert not Attachment.objects.exists()


def test_the_engine_refuses_and_its_sentence_stands_at_the_field(room):
    facts = {
        "title": "质监利剑",
        "lead": "市局",
        "starts_on": "2026-12-01",
        "ends_on": "2026-11-01",
        "target_inspections": "10",
        "target_cases": "1",
    }
    procedure = queries.procedure_on("special_operation", queries.timezone.localdate())
    typed = as_typed(
        procedure, {c: room.value(procedure.facts[c], queries.timezone.now()) for c in procedure.steps["plan"].needs}
    )
    typed |= facts | {"step_text_plan__body": "方案全文"}
    answer = room.client("member").post(url("special_operation"), typed)
    assert answer.status_code == 422
    assert "早于" in str(answer.context["form"].errors)
    assert not Matter.objects.exists()


@pytest.mark.parametrize("role", ["reviewer", "leader"])
def test_who_may_not_register_is_told_who_may(room, role):
    answer = room.client(role).get(url("complaint"))
    assert answer.status_code == 403


def test_an_unknown_kind_is_not_there(room):
    assert room.client("member").get(url("nonsense")).status_code == 404


def test_a_follow_up_is_tied_to_its_source_with_its_entity(room):
    source = room.matter_of("complaint", respondent=room.entity.unit_id)
    client = room.client("member")
    shown = client.get(reverse("matters:new") + f"?source={source.no}")
    assert [one["name"] for one in shown.context["suggested"]][:2] == ["举报", "行政处罚"]
    form = client.get(url("penalty", f"?source={source.no}&link=spawned&verb=register_clue")).context["form"]
    assert room.entity.code in str(form["party"].value())
    typed = {"clue_source": form.fields["clue_source"].choices[1][0], "party": form["party"].value()}
    answer = client.post(url("penalty", f"?source={source.no}&link=spawned&verb=register_clue"), typed)
    assert answer.status_code == 302
    made = Matter.objects.get(procedure="penalty")
    assert MatterLink.objects.get(source=source, target=made).kind == "spawned"
    assert made.entity == room.entity
    assert client.get(url("penalty", "?source=TS-2026-99999")).status_code == 404


def test_an_entity_is_found_by_name_and_by_code_and_never_guessed(room):
    client = room.client("member")
    options = client.get(reverse("matters:entities") + "?field=respondent&respondent=东河电器").content.decode()
    assert "91990101MA0000001X" in options
    for text in (
        "东河电器有限公司",
        "91990101MA0000001X",
        "uscc:91990101MA0000001X",
        "东河电器有限公司 91990101MA0000001X",
    ):
        assert client.post(url("complaint"), COMPLAINT | {"respondent": text}).status_code == 302, text
    twin = room.town.entity(name="同名商店", unit_id="uscc:91990101MA0000002X")
    room.town.entity(name="同名商店", unit_id="uscc:91990101MA0000003X")
    for text in ("同名商店", "没有这一家"):
        answer = client.post(url("complaint"), COMPLAINT | {"respondent": text})
        assert answer.status_code == 422 and "respondent" in answer.context["form"].errors
    assert client.post(url("complaint"), COMPLAINT | {"respondent": f"同名商店 {twin.code}"}).status_code == 302


def test_the_draft_of_a_document_takes_no_number(room):
    from zhunsheng.web.documents.models import IssuedDocument

    matter = room.matter_of("complaint")
    client = room.client("member")
    typed = {"respondent": room.entity.code, "step_after": "1", "step_preview": "admission_notice"}
    answer = client.post(reverse("matters:step", args=[matter.no, "admit"]), typed)
    assert answer.status_code == 200 and answer.content.startswith(b"%PDF")
    assert not IssuedDocument.objects.exists() and matter.steps.count() == 1
    assert (
        client.post(reverse("matters:step", args=[matter.no, "admit"]), typed | {"step_preview": "no"}).status_code
        == 404
    )


@pytest.mark.parametrize("kind", sorted(codes()))
def test_the_form_of_every_kind_opens_in_both_languages(room, kind):
    roles = [role for role in room.users if room.client(role).get(url(kind)).status_code == 200]
    assert roles
    client = room.client(roles[0])
    client.cookies["django_language"] = "en"
    assert client.get(url(kind)).status_code == 200
