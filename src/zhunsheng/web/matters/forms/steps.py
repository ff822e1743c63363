"""The form of a step, made from the procedure's data: one field for each fact that must or may come with it.

A field has the name of its fact, so that a refusal of the engine finds it; what is not a fact begins with `step_`.
"""

import datetime
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core import signing
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from zhunsheng.engine.procedure import Fact, Kind, Procedure, Standing, Step, Value
from zhunsheng.web.common.errors import Refused, language, say
from zhunsheng.web.common.files import accept
from zhunsheng.web.desk.actions import attach
from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.documents import queries as documents
from zhunsheng.web.documents.forms import form_field
from zhunsheng.web.matters import queries, words
from zhunsheng.web.matters.actions import Paper
from zhunsheng.web.matters.forms.fields import EntityField, MoneyField, entity_text, moment_field, text_area
from zhunsheng.web.people.forms import day_input
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import Person, role_names
from zhunsheng.web.registry.models import BusinessEntity

AFTER, ROLE, REMARK = "step_after", "step_role", "step_remark"
#: beside a document that the organ issues: whether the platform writes it, or what was signed elsewhere is uploaded
WAY = "step_way_"
ISSUE, UPLOAD = "issue", "upload"
#: beside a document: an upload that was kept when the rest of the form was wrong
KEPT = "step_kept_"
#: beside a document that the organ issues: what it says beyond the facts, step_text_<document>__<field>
TEXT = "step_text_"
#: the button that asks for the draft of a document, with its code
PREVIEW = "step_preview"
#: what the platform knows of every document of a matter, and of one whose business entity is known
KNOWN = ("matter_no", "handler")
OF_ENTITY = ("party_name", "party_code", "party_address")
LONGEST = 4000
#: choices that are shown at once instead of behind a list
FEW = 4


class StepForm(forms.Form):
    """The form of one step.

    `standing`: where the matter stands, for facts known already; None when the step begins a matter. `own`: the business
    entity whose own account fills in the form: it is the first unit and is not asked for. `roles`: the user's roles that fit
    the step; with more than one the form asks in which. Facts in `initial` go before those known.
    """

    def __init__(
        self,
        *args: Any,
        procedure: Procedure,
        step: Step,
        user: Person,
        standing: Standing | None = None,
        own: BusinessEntity | None = None,
        roles: "list[str] | None" = None,
        without: "frozenset[str]" = frozenset(),
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.procedure, self.step, self.user, self.standing = procedure, step, user, standing
        self.kept: dict[str, Attachment] = {}
        self.texts_asked: dict[str, dict[str, bool]] = {}
        self.papers_asked: list[str] = []
        left_out = set(without)
        if own is not None:
            left_out |= set([code for code in (*step.needs, *step.allows) if words.is_unit(procedure, code)][:1])
        for code in (*step.needs, *step.documents, *step.allows):
            if code in left_out or code in self.fields:
                continue
            fact = procedure.facts[code]
            required = code not in step.allows
            if fact.kind is Kind.DOCUMENT:
                self._ask_paper(fact, required)
            else:
                self.fields[code] = self._field(fact, required)
                self._prefill(fact, required)
        if roles and len(roles) > 1:
            names = role_names()
            self.fields[ROLE] = forms.ChoiceField(
                label=_("以哪一岗位办理"), choices=[(role, names.get(role, role)) for role in roles]
            )
        self.fields[REMARK] = forms.CharField(
            label=_("备注"),
            required=False,
            max_length=1000,
            widget=text_area(2),
            help_text=_("留在办理经过中，不对外公开。"),
        )
        if standing is not None:
            self.fields[AFTER] = forms.IntegerField(
                min_value=0, widget=forms.HiddenInput, initial=len(standing.history)
            )

    # -- fields -------------------------------------------------------------------------------------------------------
    def _field(self, fact: Fact, required: bool) -> forms.Field:
        shared: dict[str, Any] = {
            "label": fact.label(language()),
            "required": required,
            "help_text": self._hint(fact, required),
        }
        match fact.kind:
            case Kind.INTEGER:
                return forms.IntegerField(min_value=0, max_value=2**62, **shared)
            case Kind.MONEY:
                shared["label"] = _("%(name)s（元）") % {"name": shared["label"]}
                return MoneyField(**shared)
            case Kind.DATE:
                return forms.DateField(widget=day_input(), **shared)
            case Kind.MOMENT:
                return moment_field(shared.pop("label"), **shared)
            case Kind.CHOICE:
                choices = [(one.code, one.label(language())) for one in fact.choices]
                return _choice(choices, few=len(choices) <= FEW, **shared)
            case Kind.FLAG:
                return _choice([("yes", _("是")), ("no", _("否"))], few=True, **shared)
            case Kind.UNIT:
                return EntityField(user=self.user, **shared)
            case _:
                widget = forms.TextInput() if fact.personal else text_area(2)
                return forms.CharField(max_length=LONGEST, widget=widget, **shared)

    def _hint(self, fact: Fact, required: bool) -> str:
        parts = [fact.notes(language())]
        if fact.personal:
            parts.append(_("个人信息：只有承办人可以查看全文，每次查看都会留痕。"))
            if self.standing is not None and fact.code in self.standing.facts and not required:
                parts.append(_("已经登记；留空表示不变。"))
        return " ".join(part for part in parts if part)

    def _prefill(self, fact: Fact, required: bool) -> None:
        """What is known already. Who someone is, is not shown by a form: looking at it leaves a trace."""
        if self.standing is None or fact.personal or fact.code in self.initial:
            return
        known = self.standing.facts.get(fact.code)
        if known is not None:
            self.initial[fact.code] = _as_typed(fact, known)

    def _ask_paper(self, fact: Fact, required: bool) -> None:
        self.papers_asked.append(fact.code)
        if fact.issued and required:
            self.fields[WAY + fact.code] = forms.ChoiceField(
                label=fact.label(language()),
                choices=[(ISSUE, _("由本平台编号制发")), (UPLOAD, _("上传已经签发的文书（扫描件或者 PDF）"))],
                widget=forms.RadioSelect,
                initial=ISSUE,
                required=False,
                help_text=fact.notes(language()),
            )
            self._ask_texts(fact.code)
        self.fields[fact.code] = forms.FileField(
            label=fact.label(language()) if not (fact.issued and required) else _("文书文件"),
            required=False,
            max_length=200,
            help_text="" if fact.issued and required else fact.notes(language()),
            widget=forms.FileInput(attrs={"accept": accept(), "data_max_bytes": settings.MAX_UPLOAD_BYTES}),
        )
        self.fields[KEPT + fact.code] = forms.CharField(required=False, widget=forms.HiddenInput)
        # the star is for the reader; whether a file is there is asked in clean
        self.fields[fact.code].widget.is_required = False

    def _ask_texts(self, code: str) -> None:
        """What a document says beyond the facts. Asked for only where the platform writes it: clean looks whether it is there."""
        known = set(self.standing.facts if self.standing is not None else ()) | set(self.step.needs) | {*KNOWN}
        if any(words.is_unit(self.procedure, one) for one in known):
            known |= {*OF_ENTITY}
        if self.step.wording:
            known |= {"wording", "body"}
        asked: dict[str, bool] = {}
        for one in documents.inputs(f"{self.procedure.code}.{code}", timezone.localdate(), known):
            if one.field.code in self.step.allows:
                continue
            field = form_field(one.field, needed=one.needed)
            field.required = False
            self.fields[f"{TEXT}{code}__{one.field.code}"] = field
            asked[one.field.code] = one.needed
        self.texts_asked[code] = asked

    # -- what was typed -----------------------------------------------------------------------------------------------
    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        for code, asked in self.texts_asked.items():
            for name, needed in asked.items():
                field = f"{TEXT}{code}__{name}"
                if needed and self._issues(code) and found.get(field) in (None, "", []) and field not in self.errors:
                    self.add_error(field, _("文书需要这一项"))
        for code in self.papers_asked:
            kept = self._kept(found.get(KEPT + code, ""))
            if kept is not None:
                self.kept[code] = kept
            if code in self.step.allows or found.get(code) or code in self.kept or self.errors.get(code):
                continue
            if self._issues(code):
                continue
            self.add_error(code, _("请上传“%(name)s”") % {"name": self.procedure.facts[code].label(language())})
        return found

    def _issues(self, code: str) -> bool:
        return WAY + code in self.fields and (self.cleaned_data.get(WAY + code) or ISSUE) == ISSUE

    def keep(self, *, by: "User | None", at: datetime.datetime) -> None:
        """Takes the uploads in, so that none has to be chosen again when something else is wrong. A file that is refused is
        an error of its field."""
        self.is_valid()
        for code in self.papers_asked:
            upload = self.cleaned_data.get(code)
            if not upload or (WAY + code in self.fields and self._issues(code)):
                continue
            try:
                self.kept[code] = attach(upload, by=by, at=at)
            except Refused as problem:
                self.add_error(code, say(problem))
        if self.kept:
            data = QueryDict(mutable=True)
            data.update(self.data)
            for code, attachment in self.kept.items():
                data[self.add_prefix(KEPT + code)] = signing.dumps(attachment.pk, salt=self._salt)
            self.data = data

    @property
    def _salt(self) -> str:
        return f"matters.kept.{getattr(self.user, 'pk', None)}"

    def _kept(self, token: str) -> "Attachment | None":
        """An upload that this user's form kept before; a token that is not ours is none."""
        if not token:
            return None
        try:
            key = signing.loads(token, salt=self._salt, max_age=datetime.timedelta(days=6))
        except signing.BadSignature:
            return None
        return Attachment.objects.filter(pk=key).first()

    # -- what the action takes ----------------------------------------------------------------------------------------
    def facts(self) -> dict[str, Value]:
        """The facts typed, as the engine takes them."""
        found: dict[str, Value] = {}
        for code in (*self.step.needs, *self.step.allows):
            fact = self.procedure.facts[code]
            value = self.cleaned_data.get(code) if code in self.fields else None
            if fact.kind is Kind.DOCUMENT or value in (None, ""):
                continue
            if isinstance(value, BusinessEntity):
                value = value.unit_id
            elif fact.kind is Kind.FLAG:
                value = value == "yes"
            elif isinstance(value, datetime.datetime):
                value = timezone.localtime(value)
            found[code] = value
        return found

    def papers(self) -> dict[str, Paper]:
        """The uploads that come as documents. Those that the organ issues are left out: they are made with the step."""
        return {
            code: Paper(attachment)
            for code, attachment in self.kept.items()
            if not (WAY + code in self.fields and self._issues(code))
        }

    def texts(self) -> dict[str, dict[str, Any]]:
        """What the documents that the organ issues say beyond the facts."""
        return {
            code: {
                name: self.cleaned_data[f"{TEXT}{code}__{name}"]
                for name in asked
                if self.cleaned_data.get(f"{TEXT}{code}__{name}") not in (None, "", [])
            }
            for code, asked in self.texts_asked.items()
            if self._issues(code)
        }

    @property
    def role(self) -> str:
        return str(self.cleaned_data.get(ROLE, ""))

    @property
    def remark(self) -> str:
        return str(self.cleaned_data.get(REMARK, ""))

    @property
    def after(self) -> "int | None":
        found = self.cleaned_data.get(AFTER)
        return found if isinstance(found, int) else None

    # -- how the fields stand on the page -----------------------------------------------------------------------------
    def groups(self) -> list[dict[str, Any]]:
        """Facts that must come, papers, facts that may come: each with its bound fields."""
        needs = [self._shown(code) for code in self.step.needs if code in self.fields and code not in self.papers_asked]
        papers = [self._paper(code) for code in self.papers_asked]
        allows = [
            self._shown(code) for code in self.step.allows if code in self.fields and code not in self.papers_asked
        ]
        found = [
            {"title": _("必填事项"), "fields": needs},
            {"title": _("材料和文书"), "papers": papers},
            {"title": _("可以填写的事项") if needs or papers else _("事项"), "fields": allows},
            {"title": _("办理"), "fields": [self._shown(name) for name in (ROLE, REMARK) if name in self.fields]},
        ]
        return [group for group in found if group.get("fields") or group.get("papers")]

    def _shown(self, name: str) -> dict[str, Any]:
        return {"field": self[name]}

    def _paper(self, code: str) -> dict[str, Any]:
        fact = self.procedure.facts[code]
        way = WAY + code
        return {
            "field": self[code],
            "way": self[way] if way in self.fields else None,
            "when": (self.add_prefix(way), UPLOAD) if way in self.fields else None,
            "texts": [self[f"{TEXT}{code}__{name}"] for name in self.texts_asked.get(code, ())],
            "issue": (self.add_prefix(way), ISSUE),
            "kept": self.kept.get(code),
            "kept_field": self[KEPT + code],
            "code": code,
            "name": fact.label(language()),
            "required": code not in self.step.allows,
        }

    @property
    def hidden(self) -> list[Any]:
        return [self[AFTER]] if AFTER in self.fields else []


def step_form(
    procedure: Procedure,
    step: Step,
    standing: Standing | None,
    *,
    user: Person,
    data: "Mapping[str, Any] | None" = None,
    files: "Mapping[str, Any] | None" = None,
    **options: Any,
) -> StepForm:
    """The form of a step. Once `is_valid()` and `keep()` are through: facts(), papers(), role, remark, after."""
    return StepForm(data, files, procedure=procedure, step=step, standing=standing, user=user, **options)


def _choice(choices: list[tuple[str, str]], *, few: bool, required: bool, **shared: Any) -> forms.ChoiceField:
    if few:
        more = choices if required else [("", _("未填写")), *choices]
        return forms.ChoiceField(choices=more, required=required, widget=forms.RadioSelect, **shared)
    return forms.ChoiceField(choices=[("", _("请选择")), *choices], required=required, **shared)


def _as_typed(fact: Fact, value: Value) -> Any:
    """A known value as its field shows it."""
    match fact.kind:
        case Kind.MONEY:
            assert isinstance(value, int)
            return f"{value // 100}.{value % 100:02d}"
        case Kind.FLAG:
            return "yes" if value else "no"
        case Kind.UNIT:
            entity = queries.entities_named([str(value)]).get(str(value))
            return entity_text(entity) if entity is not None else str(value)
        case Kind.MOMENT:
            assert isinstance(value, datetime.datetime)
            return timezone.localtime(value)
        case _:
            return value
