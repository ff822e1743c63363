"""What a person gives to an import: a file, perhaps a mapping file, or the matching of columns by hand."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet import ACCEPTED, too_large
from zhunsheng.web.desk.importing.kinds import ImportKind
from zhunsheng.web.desk.importing.mapping import MAX_TEXT, Plan, Rule, read_plan

AS_WRITTEN = "="


class UploadForm(forms.Form):
    """A file of one kind."""

    file = forms.FileField(label=gettext_lazy("文件"))
    mapping = forms.FileField(
        label=gettext_lazy("映射文件（可不选）"),
        required=False,
        help_text=gettext_lazy("TOML 文件：把别的系统导出的列对应到本平台的列。表头与模板一致时不需要。"),
    )

    def __init__(self, *args: Any, kind: ImportKind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        limit = settings.MAX_UPLOAD_BYTES
        self.fields["file"].help_text = _("CSV、TSV、XLSX、XLS 或 ODS，最大 %(most)s MB。") % {"most": limit >> 20}
        self.fields["file"].widget.attrs.update({"accept": ",".join(ACCEPTED), "data_max_bytes": limit})
        self.fields["mapping"].widget.attrs.update({"accept": ".toml,.txt", "data_max_bytes": MAX_TEXT})

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > settings.MAX_UPLOAD_BYTES:
            raise forms.ValidationError(str(too_large(file.size or 0, settings.MAX_UPLOAD_BYTES)))
        return file

    def clean_mapping(self) -> str:
        """The text of the mapping file, read once to see whether it can be used."""
        file: UploadedFile | None = self.cleaned_data.get("mapping")
        if file is None:
            return ""
        if (file.size or 0) > MAX_TEXT:
            raise forms.ValidationError(_("映射文件太大，最多 %(n)s 字节") % {"n": f"{MAX_TEXT:,}"})
        try:
            text: str = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError(_("映射文件要存成 UTF-8")) from None
        try:
            read_plan(text, self.kind)
        except Refused as problem:
            raise forms.ValidationError(str(problem)) from None
        return text


class ColumnsForm(forms.Form):
    """Which column of the file feeds which column of the kind; a fixed value where the file has none."""

    def __init__(self, *args: Any, kind: ImportKind, header: Sequence[str], plan: Plan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self.plan = kind, plan
        choices = [("", _("（不导入）")), *((f"c{index}", name) for index, name in enumerate(header))]
        self.names = {f"c{index}": name for index, name in enumerate(header)}
        places = {name: f"c{index}" for index, name in enumerate(header)}
        for column in kind.columns:
            rule = plan.columns.get(column.key)
            own = list(choices)
            initial = ""
            if rule is not None and rule.constant is None:
                initial = places.get(rule.sources[0], "") if len(rule.sources) == 1 else AS_WRITTEN
                if initial == AS_WRITTEN:
                    own.insert(1, (AS_WRITTEN, _("（照映射文件）")))
            self.fields[f"from_{column.key}"] = forms.ChoiceField(
                label=str(column.label) + ("*" if column.required else ""),
                choices=own,
                required=False,
                initial=initial,
                help_text=str(column.help),
            )
            self.fields[f"fixed_{column.key}"] = forms.CharField(
                label=_("固定值"),
                max_length=200,
                required=False,
                initial=(rule.constant or "") if rule is not None else "",
            )

    @property
    def pairs(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"from_{column.key}"], self[f"fixed_{column.key}"]) for column in self.kind.columns]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for column in self.kind.columns:
            source, fixed = data.get(f"from_{column.key}"), data.get(f"fixed_{column.key}")
            if source and fixed:
                self.add_error(f"fixed_{column.key}", _("已选了文件中的列，不要再填固定值"))
            elif column.required and not source and not fixed:
                self.add_error(f"from_{column.key}", _("必须对应到文件中的一列，或填固定值"))
        return data

    def chosen(self) -> Plan:
        """The plan after the choice. A column whose source stays keeps what the mapping file says about its values."""
        columns = {}
        for column in self.kind.columns:
            source, fixed = self.cleaned_data[f"from_{column.key}"], self.cleaned_data[f"fixed_{column.key}"]
            old = self.plan.columns.get(column.key)
            if source == AS_WRITTEN and old is not None:
                columns[column.key] = old
            elif source:
                name = self.names[source]
                columns[column.key] = old if old is not None and old.sources == (name,) else Rule((name,))
            elif fixed:
                columns[column.key] = Rule(constant=fixed)
        return Plan(columns, self.plan.group_by, self.plan.differences, self.plan.skip, self.plan.title)
