"""Open data: the catalogue and its files."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from zhunsheng.web.portal.queries import open_data
from zhunsheng.web.portal.views import serving
from zhunsheng.web.portal.views.serving import Missing, public


@public
def data(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/data.html", {
        "datasets": [
            {"data": one, "edition": edition, "files": [(kind.upper(), kind, file) for kind, file in edition.files.items()]}
            for one in open_data.DATASETS
            for edition in [open_data.edition(one)]
        ],
    })  # fmt: skip


@public
def dataset(request: HttpRequest, code: str, kind: str) -> HttpResponseBase:
    found = open_data.dataset(code)
    if found is None or kind not in open_data.KINDS:
        raise Missing(_("没有这个数据集。全部数据集见开放数据页。"))
    file, stream = open_data.open_file(found, kind)
    same = serving.unchanged(request, file.sha256)
    if same is not None:
        stream.close()
        return same
    return serving.stored(stream, file.size, file.sha256, f"{code}.{kind}", open_data.KINDS[kind])
