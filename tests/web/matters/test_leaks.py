"""What must not get out: who complained, beside the pages that ask and leave a trace."""

import io

import pytest
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from zhunsheng.web.matters import actions
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db


def text_of(pdf):
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


@pytest.fixture
def complaint(room):
    return room.matter_of("complaint", complainant="欧阳小三", contact="13912345678", respondent=room.entity.unit_id)


def test_the_draft_of_a_notice_names_nobody(room, complaint):
    """A draft is neither issued nor recorded, so it would be a look at the complainant without a trace."""
    address = reverse("matters:step", args=[complaint.no, "admit"])
    typed = {"step_preview": "admission_notice", "step_after": 1, "respondent": room.entity.unit_id}
    for role in ("member", "auditor"):
        answer = room.client(role).post(address, typed)
        assert answer.status_code == 200 and answer["Content-Type"] == "application/pdf"
        told = text_of(answer.content)
        assert room.entity.name in told and "欧阳" not in told and "13912345678" not in told
    assert not Act.objects.filter(verb="matter.reveal").exists()


def test_the_notice_to_the_complainant_is_not_the_firm_s_to_read(room, complaint):
    """It begins with the complainant's name."""
    at = timezone.now()
    actions.take(
        complaint, "admit", by=room.users["member"], at=at, facts={"respondent": room.entity.unit_id},
        texts={"admission_notice": {"body": "将组织调解"}},
    )  # fmt: skip
    paper = complaint.documents.get(code="admission_notice")
    assert paper.issued.protected
    client = room.client("enterprise")
    assert client.get(reverse("matters:firm_matter", args=[complaint.no])).status_code == 200
    assert client.get(reverse("matters:firm_paper", args=[complaint.no, paper.pk])).status_code == 404


def test_a_step_number_that_is_none_is_refused_at_the_form(room, complaint):
    address = reverse("matters:step", args=[complaint.no, "admit"])
    answer = room.client("member").post(address, {"step_after": -1, "respondent": room.entity.unit_id})
    assert answer.status_code == 422 and "step_after" in answer.context["form"].errors


def test_a_title_carries_no_number_by_which_the_informant_is_known(room):
    """The subject is the informant's own text, and the title stands in lists and exports."""
    matter = room.matter_of("violation_report", subject="无证生产，请致电13912345678或发信至a.b@example.com")
    assert matter.title.count("＊＊＊") == 2 and "无证生产" in matter.title
    assert "13912345678" not in matter.title and "@" not in matter.title
