"""The check by hand: commands for a shell with the real values of a draw, and what must come out of them."""

import shlex
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhunsheng.engine.public_log import canonical
from zhunsheng.web.common.templatetags.zs import grouped
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.inspection.models import Draw, Inclusion
from zhunsheng.web.portal.queries.draws import terms

#: How many lines of what must come out a page shows.
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Recipe:
    """One step that anyone can repeat in a shell: what it shows, the command, what must come out (as lines)."""

    words: str
    command: str
    result: tuple[str, ...] = ()
    note: str = ""

    @property
    def lines(self) -> str:
        return "\n".join(self.result)


def hash_command(draw: Draw) -> str:
    """What prints the hash of its input, then a space: of the suite of the draw."""
    return "openssl dgst -sm3 -r" if draw.suite == "sm3" else "sha256sum"


def recipes(draw: Draw, origin: str, second_seed_text: str = "") -> list[Recipe]:
    """All steps that the draw allows. `origin`: scheme and host of the page."""
    hashed, url = hash_command(draw), origin + reverse("portal:announcement", args=[draw.no])
    found = [Recipe(_("公告的哈希"), f"curl -s {shlex.quote(url)} | {hashed}", (draw.announcement_hash,))]
    done = inspection.execution(draw)
    if done is None:
        return found
    found.append(
        Recipe(
            _("种子：公告哈希和各来源的值连起来取哈希"),
            f"printf '%s' {shlex.quote(done.seed_text)} | {hashed}",
            (draw.seed,),
        )
    )
    if second_seed_text:
        found.append(
            Recipe(
                _("派员种子：公告哈希、派员条件的哈希和第二轮的值连起来取哈希"),
                f"printf '%s' {shlex.quote(second_seed_text)} | {hashed}",
                (draw.second_seed,),
            )
        )
    if not draw.secret:
        found += _stratum(draw, origin)
    return found


def _stratum(draw: Draw, origin: str) -> list[Recipe]:
    """A whole stratum drawn again with `sort`: the smallest one that says something, and is drawn with equal chances."""
    rows = [row for row in draw.strata if row["n"] and not row.get("unequal")]
    telling = [row for row in rows if row["n"] < row["size"]] or rows
    if not telling:
        return []
    row = min(telling, key=lambda row: (row["size"], row["key"]))
    joint = terms(draw).lists
    name, _sep, stratum = row["key"].partition("/") if joint else ("", "", row["key"])
    drawn = Inclusion.objects.filter(task__draw=draw, list=name, stratum=stratum).order_by("rank")
    lines = tuple(f"{ticket}  {unit}" for ticket, unit in drawn.values_list("task__ticket", "task__unit_id"))
    file = f"{draw.no}-{'opened' if draw.sealed else 'frame'}.jsonl"
    url = origin + reverse("portal:opened" if draw.sealed else "portal:leaves", args=[draw.no])
    shown = lines if len(lines) <= SHOWN else (*lines[: SHOWN - 2], "…", lines[-1])
    labels = inspection.strata_labels(draw.plan, [row["key"]])
    return [
        Recipe(_("名录，一行一家"), f"curl -s -o {shlex.quote(file)} {shlex.quote(url)}"),
        Recipe(
            _("“%(stratum)s”一层，从名录重新抽一次：算出每家的抽签号，排序，取最前面的 %(n)s 家")
            % {"stratum": labels[row["key"]], "n": grouped(row["n"])},
            stratum_script(draw, row, name, stratum, file),
            shown,
            ngettext(
                "这一层有 %(n)s 家。每一千家大约要算五秒。", "这一层有 %(n)s 家。每一千家大约要算五秒。", row["size"]
            )
            % {"n": grouped(row["size"])},
        ),
    ]


def stratum_script(draw: Draw, row: dict[str, Any], name: str, stratum: str, file: str) -> str:
    """The drawing of one stratum for bash, with nothing but grep, sed, sort and a hash (and openssl where it was sealed)."""
    mark = f"{name}." if name else ""
    wanted = f'"{mark}stratum":' + canonical(stratum).decode()
    excluded = f'"{mark}exclusion":'
    hashed = hash_command(draw)
    label, named, setting = "", "$id", [f"seed={shlex.quote(draw.seed)}"]
    if draw.sealed:
        digest = "sm3" if draw.suite == "sm3" else "sha256"
        setting += [f"key={shlex.quote(draw.sealing.key)}", f"draw={shlex.quote(draw.no)}"]
        label = f"  tag=$(printf '%s' \"tag|$draw|$id\" | openssl dgst -{digest} -mac HMAC -macopt \"hexkey:$key\" -r | cut -d' ' -f1)\n"
        named = "$tag"
    return (
        "\n".join(setting)
        + f"\ngrep -F {shlex.quote(wanted)} {shlex.quote(file)} | grep -vF {shlex.quote(excluded)} |\n"
        + 'sed \'s/.*"id":"\\([^"]*\\)".*/\\1/\' | while read -r id; do\n'
        + label
        + f"  ticket=$(printf '%s' \"$seed|target|{named}\" | {hashed} | cut -d' ' -f1)\n"
        + '  printf \'%s  %s\\n\' "$ticket" "$id"\n'
        + f"done | LC_ALL=C sort | head -n {row['n']}"
    )


def unit_recipes(draw: Draw, unit_id: str, ticket: str, origin: str) -> list[Recipe]:
    """The check of one firm: that it stands on the list once, and its ticket."""
    if draw.sealed:
        return []
    file = f"{draw.no}-frame.jsonl"
    url, wanted = origin + reverse("portal:leaves", args=[draw.no]), f'"id":"{unit_id}"'
    download = f"curl -s -o {shlex.quote(file)} {shlex.quote(url)}"
    found = [
        Recipe(
            _("在名录中恰好出现一次"),
            f"{download}\ngrep -cF {shlex.quote(wanted)} {shlex.quote(file)}",
            ("1",),
        )
    ]
    if ticket:
        text = f"{draw.seed}|target|{unit_id}"
        found.append(Recipe(_("抽签号"), f"printf '%s' {shlex.quote(text)} | {hash_command(draw)}", (ticket,)))
    return found
