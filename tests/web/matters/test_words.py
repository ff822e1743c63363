"""The kinds of matters are a dated table: a change that is laid over it is heard in every process, from its day on."""

import datetime

from django.utils import timezone

from zhunsheng.engine import tables
from zhunsheng.engine.tables import Amendment, Overlay
from zhunsheng.web.matters import words


def changed(day):
    row = words.kinds()["complaint"]
    cells = {name: text for name, text in row.items() if name not in ("source", "confidence", "valid_from", "valid_to")}
    return Overlay(
        "x", (Amendment("G", "matters/kinds", ("complaint",), {**cells, "firm_sees": ""}, "某市文件", "sure", day),)
    )


def test_a_change_of_the_kinds_is_heard_from_its_day_on():
    today = timezone.localdate()
    assert words.kinds()["complaint"]["firm_sees"] == "admit"
    with tables.under(changed(today)):
        assert words.kinds()["complaint"]["firm_sees"] == ""
    with tables.under(changed(today + datetime.timedelta(days=1))):
        assert words.kinds()["complaint"]["firm_sees"] == "admit"
    assert words.kinds()["complaint"]["firm_sees"] == "admit"
