"""Dates as people and spreadsheets write them."""

import datetime
import re
import unicodedata
from functools import lru_cache

from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused

#: 2017年5月3日, 2017-05-03, 2017/5/3, 2017.5.3; a time of day behind it does not change the day.
_PARTED = re.compile(
    r"(\d{4})\s*(?:年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*日|([-/.])\s*(\d{1,2})\s*\4\s*(\d{1,2}))(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
)
_SOLID = re.compile(r"\d{8}")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
#: Day 1 of a spreadsheet is 1900-01-01, and it believes in a 29 February 1900: from March 1900 on, day 0 is this.
_SERIAL_ZERO = datetime.date(1899, 12, 30)
YEARS = (1900, 2100)


def parse_day(value: "str | datetime.date | datetime.datetime | float") -> datetime.date:
    """The day meant by a cell: 2017年5月3日, 2017-05-03, 2017/5/3, 2017.5.3, 20170503, a spreadsheet's day number, or a date.

    Raises Refused, with the five accepted forms, for anything else and for days that do not exist.
    """
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    return _parse(str(value).strip())


@lru_cache(maxsize=20_000)
def _parse(text: str) -> datetime.date:
    plain = unicodedata.normalize("NFKC", text)
    if match := _PARTED.fullmatch(plain):
        year, month, day = match[1], match[2] or match[5], match[3] or match[6]
    elif _SOLID.fullmatch(plain):
        year, month, day = plain[:4], plain[4:6], plain[6:]
    elif _SERIAL.fullmatch(plain):
        return _SERIAL_ZERO + datetime.timedelta(days=int(float(plain)))
    else:
        raise Refused(
            _("“%(text)s”不是日期。可以写成 2017年5月3日、2017-05-03、2017/5/3、2017.5.3 或 20170503")
            % {"text": text[:40]}
        )
    if not YEARS[0] <= int(year) <= YEARS[1]:
        raise Refused(
            _("“%(text)s”的年份不在 %(first)s 至 %(last)s 之间")
            % {"text": text[:40], "first": YEARS[0], "last": YEARS[1]}
        )
    try:
        return datetime.date(int(year), int(month), int(day))
    except ValueError:
        raise Refused(_("没有“%(text)s”这一天") % {"text": text[:40]}) from None


def parse_day_as(text: str, form: str) -> datetime.date:
    """The day in a form of the reader's own, in the letters of strptime (%d/%m/%Y). Raises Refused."""
    try:
        return datetime.datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise Refused(_("“%(text)s”不是 %(form)s 形式的日期") % {"text": text[:40], "form": form}) from None
