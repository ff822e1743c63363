"""A real register through the whole line: import, draw, visits, publication, verification, and the rate on the scoreboard."""

from pathlib import Path

import pytest
from django.urls import reverse

from zhunsheng.demo import rehearsal
from zhunsheng.engine.draw import verify
from zhunsheng.web.inspection.models import Task, Visit
from zhunsheng.web.inspection.queries import bundle_bytes
from zhunsheng.web.people.models import User
from zhunsheng.web.registry.models import BusinessEntity

MAPPINGS = Path(__file__).resolve().parents[2] / "docs" / "howto"


@pytest.mark.shared
@pytest.mark.slow
def test_torontos_register_from_import_to_rate(db, settings, tmp_path, shared, client):
    settings.HOME = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    folder = shared / "data" / "inspections"
    done = rehearsal.rehearse(
        folder / "toronto_dinesafe_2020.csv", folder / "toronto_dinesafe_2021.csv", mappings=MAPPINGS
    )

    # the register and the past results are those of the file, none lost and none twice
    assert BusinessEntity.objects.filter(unit_id__startswith="toronto:").count() == 6633
    assert [run.rows_bad for run in done.imports] == [0, 0] and done.imports[0].rows_total == 11714
    assert Visit.objects.filter(task=None, source_system="Toronto DineSafe").count() == done.imports[1].created

    # anybody can check the draw; a changed leaf is found
    assert done.verdict.ok
    tampered = bundle_bytes(done.draw).replace(b"toronto:10500438", b"toronto:10500439", 1)
    assert not verify(tampered).ok

    # who does not stand in the second file has no result, and counts as non-response
    counts = done.passed.counts
    assert counts.non_response == done.not_in_file > 0
    assert Task.objects.filter(draw=done.draw, visits=None).count() == done.not_in_file
    assert counts.eligible_pass + counts.eligible_fail + counts.non_response == done.draw.selected_count

    # the interval covers what the second file says of all units of the frame, and the bounds hold the estimate
    rate, bounds = done.passed.rate, done.passed.bounds
    assert rate.low <= done.census[0] / done.census[1] <= rate.high
    assert bounds.worst <= rate.estimate <= bounds.best and bounds.worst < bounds.best

    # and it stands on the scoreboard's detail
    client.force_login(User.objects.get(username="office"))
    page = client.get(reverse("appraisal:figure", args=["P01"]), {"year": 2021}).content.decode()
    assert f"{rate.numerator}/{rate.denominator}".replace(",", "") in page.replace("\u2009", "") and "最坏界限" in page
    assert done.draw.no in page


def test_the_first_inspection_of_the_year_decides(tmp_path):
    path = tmp_path / "next.csv"
    path.write_text(
        "Establishment ID,Inspection Date,Establishment Status,Infraction Details\n"
        "7,2021-05-02,Pass,\n7,2021-03-01,Conditional Pass,Fail to  wash\n7,2021-03-01,Conditional Pass,Pests\n",
        encoding="utf-8",
    )
    found = rehearsal.outcomes(path)
    assert found["toronto:7"].status == "Conditional Pass" and found["toronto:7"].infractions == (
        "Fail to wash",
        "Pests",
    )
