"""What can be done with many matters at once: hand them over, take one plain step. Every rule is that of the single act."""

import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine import procedure as engine
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.procedure import Procedure, Step
from zhunsheng.web.common.errors import Refused, language, say
from zhunsheng.web.desk.bulk import Bulk, Values
from zhunsheng.web.matters import actions, policy, queries, words
from zhunsheng.web.matters.forms.fields import text_area
from zhunsheng.web.matters.forms.filters import MatterFilter
from zhunsheng.web.matters.models import Matter
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import has_role


class _Asking:
    """The filter asks who asks; a bulk run has no request."""

    def __init__(self, user: User) -> None:
        self.user = user


def _rows(user: User, query: QueryDict) -> QuerySet[Matter]:
    """The list as the user sees it under the filter; none where the filter cannot be read."""
    seen = queries.visible_to(user).select_related("office", "handler", "opened_by").order_by("next_due_at", "pk")
    found = MatterFilter(query, queryset=seen, request=_Asking(user))
    rows: QuerySet[Matter] = found.qs if found.is_valid() else Matter.objects.none()
    return rows


# -- hand over ---------------------------------------------------------------------------------------------------------
class HandOverForm(forms.Form):
    """One receiver and one reason for all of them."""

    handler = forms.ModelChoiceField(label=gettext_lazy("承办人"), queryset=User.objects.none())
    reason = forms.CharField(label=gettext_lazy("理由"), max_length=300, widget=text_area(2))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        working = User.objects.filter(is_active=True, posts__role__in=("member", "inspector", "reviewer", "head"))
        self.fields["handler"].queryset = working.distinct().order_by("display_name", "pk")  # type: ignore[attr-defined]


def _may_hand_over(matter: Matter, user: User, values: Values) -> list[str]:
    if matter.ended_at is not None:
        return [_("办件已经办结")]
    if not policy.may_hand_over(user, matter):
        return [_("转办由承办人或者承办机构负责人办理")]
    handler = values.get("handler")
    if handler is not None and not has_role(
        handler, "member", "inspector", "reviewer", "head", "lead_office", office=matter.office
    ):
        return [_("%(who)s 在 %(office)s 没有岗位") % {"who": handler, "office": matter.office}]
    return []


def _hand_over(matter: Matter, *, by: User, at: datetime.datetime, values: Values) -> None:
    actions.hand_over(matter, values["handler"], by=by, at=at, reason=values["reason"])


HAND_OVER = Bulk(
    "matters.hand_over", gettext_lazy("批量转办"), gettext_lazy("可以再转回，每次转办都留痕。"), allowed=policy.may_see,
    rows=_rows, check=_may_hand_over, do=_hand_over, title=str, url=Matter.get_absolute_url, form=HandOverForm,
)  # fmt: skip


# -- one step ----------------------------------------------------------------------------------------------------------
def plain_steps(procedure: Procedure) -> list[Step]:
    """Steps that need nothing but the decision: no fact, no paper; none that begins a matter or makes something public."""
    public = {one.on for one in procedure.publications}
    return [
        step
        for step in procedure.steps.values()
        if not step.starts and not step.needs and not step.documents and step.code not in public
        and set(step.roles) != {queries.CLOCK}
    ]  # fmt: skip


def _steps() -> list[tuple[str, list[tuple[str, str]]]]:
    groups = []
    for code in words.kinds():
        version = engine.versions(code)[-1]
        steps = [(f"{code}:{step.code}", step.label(language())) for step in plain_steps(version)]
        if steps:
            groups.append((words.kind_name(code), steps))
    return groups


class StepForm(forms.Form):
    step = forms.ChoiceField(label=gettext_lazy("步骤"), choices=_steps)
    remark = forms.CharField(label=gettext_lazy("备注"), max_length=1000, required=False, widget=text_area(2))


def _may_step(matter: Matter, user: User, values: Values) -> list[str]:
    """Before the step is chosen: whether there is a plain one that may be taken; then whether it is this one."""
    if matter.ended_at is not None:
        return [_("办件已经办结")]
    kind, _sep, verb = values.get("step", "").partition(":")
    if kind and kind != matter.procedure:
        return [_("不是“%(kind)s”") % {"kind": words.kind_name(kind)}]
    try:
        now = queries.standing(matter)
    except ZhunshengError as problem:
        return [say(problem)]
    plain = {step.code for step in plain_steps(now.procedure)}
    options = queries.options(matter, now, user, timezone.now())
    if not verb:
        able = any(one.allowed and one.step.code in plain for one in options)
        return [] if able else [_("现在没有可以批量办理的步骤：需要填写事项或者材料的步骤请逐件办理")]
    option = next((one for one in options if one.step.code == verb), None)
    if option is None or verb not in plain:
        return [_("现在的状态不能办理这一步")]
    return [] if option.allowed else [reason.text(language()) for reason in option.verdict.reasons]


def _step(matter: Matter, *, by: User, at: datetime.datetime, values: Values) -> None:
    verb = values["step"].partition(":")[2]
    now = queries.standing(matter)
    if (
        now.history
        and now.history[-1].verb == verb
        and now.history[-1].by == str(by.pk)
        and not now.procedure.steps[verb].target
    ):
        raise Refused(_("刚刚办理过这一步"))
    actions.take(matter, verb, by=by, at=at, remark=values["remark"], after=len(now.history))


STEP = Bulk(
    "matters.step", gettext_lazy("批量办理一步"), gettext_lazy("步骤办理后不能撤销。"), allowed=policy.may_see,
    rows=_rows, check=_may_step, do=_step, title=str, url=Matter.get_absolute_url, form=StepForm,
)  # fmt: skip
