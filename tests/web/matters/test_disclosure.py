"""What a matter shows the public: classed by a second person, published by its step, corrected with both versions shown."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from zhunsheng.engine import procedure as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.documents import actions as documents
from zhunsheng.web.matters import actions, queries
from zhunsheng.web.matters.models import Disclosure
from zhunsheng.web.people.models import Post, User
from zhunsheng.web.public_log.models import LogEntry

pytestmark = pytest.mark.django_db


def at(matter, name, *more):
    return reverse(f"matters:{name}", args=[matter.no, *more])


@pytest.fixture
def supervised(room):
    """A circular that names who is criticised: drafted, approved; not yet issued."""
    kind = engine.versions("circular")[-1].facts["kind"].choices[-1].code
    matter = room.matter_of("circular", public=True, kind=kind)
    actions.take(matter, "approve", by=room.users["head"], at=timezone.now())
    return matter


def issue(room, matter):
    typed = {"step_after": 2, "step_text_circular__body": "通报全文"}
    return room.client("member").post(at(matter, "step", "issue"), typed)


def test_the_class_is_approved_by_a_second_person(room):
    matter = room.matter_of("complaint")
    for role, status in (("member", 403), ("leader", 403), ("reviewer", 302)):
        assert room.client(role).post(at(matter, "classify"), {"publicity": "active"}).status_code == status, role
    matter.refresh_from_db()
    assert matter.publicity_approved_by == room.users["reviewer"]


def test_anything_but_open_needs_its_ground(room):
    matter = room.matter_of("complaint")
    answer = room.client("reviewer").post(at(matter, "classify"), {"publicity": "closed"})
    assert answer.status_code == 422 and "reason" in answer.context["form"].errors


def test_nothing_is_published_before_the_class_is_approved(room, supervised):
    answer = issue(room, supervised)
    assert answer.status_code == 422 and "信息公开属性" in str(answer.context["form"].errors)
    assert not Disclosure.objects.exists()


def test_a_publication_is_corrected_and_withdrawn_with_every_version_shown(room, supervised):
    matter = supervised
    room.client("reviewer").post(at(matter, "classify"), {"publicity": "active"})
    assert issue(room, matter).status_code == 302
    first = Disclosure.objects.get()
    shown = {f"fact_{fact.code}": fact.shown for fact in first.facts.all()}
    assert shown
    for role in ("member", "reviewer"):
        assert room.client(role).get(at(matter, "correct", first.pk)).status_code == 403
    client = room.client("head")
    code = next(iter(shown))
    same = client.post(at(matter, "correct", first.pk), shown | {"reason": "录入有误"})
    assert same.status_code == 422  # nothing was changed
    assert (
        client.post(at(matter, "correct", first.pk), shown | {code: "更正后的内容", "reason": "录入有误"}).status_code
        == 302
    )
    second = Disclosure.objects.get(version=2)
    page = client.get(matter.get_absolute_url()).content.decode()
    assert shown[code] in page and "更正后的内容" in page and "录入有误" in page
    assert (
        client.post(at(matter, "correct", first.pk), shown | {code: "又一次", "reason": "再改一次"}).status_code == 422
    )
    assert client.post(at(matter, "withdraw", second.pk), {"reason": "依法撤销决定"}).status_code == 302
    assert set(Disclosure.objects.values_list("state", flat=True)) == {"corrected", "withdrawn"}
    kinds = set(LogEntry.objects.values_list("kind", flat=True))
    assert {"matter.publish", "matter.correct", "matter.withdraw"} <= kinds


def test_a_publication_leads_to_its_matter(room, supervised):
    room.client("reviewer").post(at(supervised, "classify"), {"publicity": "active"})
    issue(room, supervised)
    row = Disclosure.objects.get()
    answer = room.client("member").get(reverse("matters:publication", args=[row.pk]))
    assert answer["Location"].startswith(supervised.get_absolute_url())


def test_a_correction_takes_a_number_of_its_own_when_the_same_was_published_twice(room, supervised):
    """A step that can be taken again publishes a further version beside the first."""
    room.client("reviewer").post(at(supervised, "classify"), {"publicity": "active"})
    issue(room, supervised)
    first = Disclosure.objects.get()
    Disclosure.objects.create(
        matter=first.matter,
        publication=first.publication,
        version=2,
        title=first.title,
        published_at=first.published_at,
    )
    code = first.facts.first().code
    made = actions.correct(first, {code: "更正后"}, reason="录入有误", by=room.users["head"], at=timezone.now())
    assert made.version == 3 and made.replaces == first


def test_who_handled_the_matter_does_not_approve_its_class_after_handing_it_over(room):
    head = room.users["head"]
    matter = room.matter_of("complaint")
    actions.hand_over(matter, head, by=head, at=timezone.now(), reason="由我办理")
    actions.hand_over(matter, room.users["member"], by=head, at=timezone.now(), reason="转出")
    matter.refresh_from_db()
    assert matter.handler == room.users["member"]
    with pytest.raises(NotAllowed):
        actions.classify(matter, "active", by=head, at=timezone.now())


def test_a_delegated_post_is_not_a_second_person_for_who_delegated_it(room):
    """The handler's own post as head, lent to a colleague, approves nothing of the handler's."""
    handler, other = room.users["member"], room.town.user("inspector", username="lent")
    matter = room.matter_of("complaint", by=handler)
    day = datetime.date(2026, 1, 1)
    Post.objects.create(user=other, office=room.office, role="reviewer", delegated_by=handler, valid_from=day)
    with pytest.raises(NotAllowed):
        actions.classify(matter, "active", by=User.objects.get(pk=other.pk), at=timezone.now())
    Post.objects.filter(user=other).update(delegated_by=None)
    actions.classify(matter, "active", by=User.objects.get(pk=other.pk), at=timezone.now())


def test_a_step_that_ends_the_publicity_ends_what_is_public(room):
    """An entry in the list of serious violators that is revoked is no longer published for the rest of its three years."""
    day = datetime.datetime(2026, 11, 2, 9, tzinfo=CHINA)
    matter = room.matter_of("serious_violation_list", at=day, heavy_penalty=True, malicious=True)
    actions.classify(matter, "active", by=room.users["reviewer"], at=day)
    people = {"notify": "member", "list": "head", "annul_ground": "head", "revoke": "member"}
    for n, (verb, role) in enumerate(people.items()):
        when = day + datetime.timedelta(days=20 * n)
        now = queries.standing(matter, when.date())
        step = now.procedure.steps[verb]
        actions.take(
            matter, verb, by=room.users[role], at=when, facts=room.facts(now.procedure, step, when),
            papers=room.papers(now.procedure, step, room.users[role], when), texts=room.texts(now.procedure, step),
        )  # fmt: skip
        if verb == "list":
            assert Disclosure.objects.get().state == "published" and Disclosure.objects.get().until.year == 2029
    one = Disclosure.objects.get()
    assert one.state == "ended" and one.ended_at == when
    assert LogEntry.objects.filter(kind="matter.end_publicity", subject=f"disclosure:{one.pk}").count() == 1


def test_a_document_of_a_matter_is_not_shown_before_its_class_is_approved(room):
    """The head alone would otherwise publish what a step may not."""
    head, at_once = room.users["head"], timezone.now()
    matter = room.matter_of("complaint")
    paper = documents.issue(
        "official.circular", office=room.office, fields={"addressee": "各有关单位", "body": "情况如下。"}, title="通报",
        subject_type="matter", subject_id=matter.no, by=room.users["member"], at=at_once,
    )  # fmt: skip
    with pytest.raises(Refused, match="信息公开属性"):
        documents.disclose(paper, by=head, at=at_once)
    actions.classify(matter, "closed", by=room.users["reviewer"], at=at_once, reason="涉及商业秘密")
    with pytest.raises(Refused):
        documents.disclose(paper, by=head, at=at_once)
    actions.classify(matter, "active", by=room.users["reviewer"], at=at_once)
    assert documents.disclose(paper, by=head, at=at_once).public
