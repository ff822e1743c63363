"""What is not published leaks nowhere: every public page and file is read through for planted secrets."""

import io
import zipfile

import pytest
from django.urls import reverse

from tests.web.portal.conftest import Public, addresses, body
from zhunsheng.web.inspection.models import Visit
from zhunsheng.web.registry.models import RiskClass


def text_of(data: bytes) -> str:
    """The text of an answer; of a spreadsheet, that of all its parts."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            data = b"\n".join(book.read(name) for name in book.namelist())
    return data.decode("utf-8")


@pytest.fixture
def everything(public: Public, client) -> dict[str, str]:
    """(address, language) → all that a stranger is shown there."""
    found = {}
    for language in ("zh-hans", "en"):
        client.cookies["language"] = language
        for address in addresses(public):
            found[f"{language} {address}"] = text_of(body(client, address))
    return found


def test_no_secret_is_shown(public: Public, everything):
    """Neither drafts, nor records under review, nor names, reasons, opinions, witnesses, nor internal sources."""
    names = {one.name for one in public.bureau.inspectors}
    for address, text in everything.items():
        for what, secret in public.secrets.items():
            assert secret not in text, f"{what} is shown at {address}"
        for name in names:
            assert name not in text, f"the name of an inspector is shown at {address}"


def test_the_secrets_are_in_the_house(public: Public):
    """The test above could not fail if nothing of it were stored."""
    visit = Visit.objects.get(pk=public.published.pk)
    assert public.secrets["a witness of a visit"] == visit.witness
    assert public.secrets["the opinion of a firm"] == visit.entity_opinion
    assert public.hidden["draft"].findings.get().text == public.secrets["the text of a draft"]


def test_numbers_of_hidden_records_are_not_shown(public: Public, everything):
    """Not even that there is a record of it."""
    searched = reverse("portal:home") + "?q="
    for address, text in everything.items():
        if searched in address:
            continue
        for what, visit in public.hidden.items():
            assert visit.no not in text, f"the number of a record in state {what} is shown at {address}"


def test_the_risk_class_is_internal(public: Public, everything, client):
    """On pages about single firms nothing says their class; the strata of a draw are told as aggregates."""
    for address, text in everything.items():
        # the membership proof is a file with the very line that was hashed, as the list itself is
        if any(part in address for part in ("/firms/", "/results/", "/frame/", "/unit/?")):
            assert "信用风险" not in text and "risk_class" not in text, address
            for label in RiskClass.labels:
                assert str(label) not in text, address


def test_a_result_that_may_not_be_public_is_not(public: Public, client):
    """The class of publicity decides, whatever the state says."""
    address = reverse("portal:result", args=[public.failed.no])
    assert client.get(address).status_code == 200
    for publicity in ("on_request", "closed"):
        Visit.objects.filter(pk=public.failed.pk).update(publicity=publicity)
        assert client.get(address).status_code == 404
        assert public.failed.no not in text_of(body(client, reverse("portal:results")))
        assert public.failed.no not in text_of(body(client, reverse("portal:dataset", args=["results", "csv"])))
    Visit.objects.filter(pk=public.failed.pk).update(publicity="active", publicity_approved_at=None)
    assert client.get(address).status_code == 404


def test_who_is_logged_in_sees_no_more(public: Public, client):
    """The portal shows staff what it shows everyone."""
    client.force_login(public.bureau.head)
    for address in addresses(public):
        text = text_of(body(client, address))
        for what, secret in public.secrets.items():
            if secret != "second-head":
                assert secret not in text, f"{what} is shown at {address}"
