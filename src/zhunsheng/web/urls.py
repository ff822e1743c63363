"""The sitemap. Each room owns its addresses (layout: STAFF, FIRM, PUBLIC); the portal stands at the root."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

urlpatterns = [
    path("language/", login_not_required(set_language), name="set_language"),
    path("", include("zhunsheng.web.common.urls")),
    path("", include("zhunsheng.web.people.urls")),
    path("", include("zhunsheng.web.desk.urls")),
    path("", include("zhunsheng.web.documents.urls")),
    path("", include("zhunsheng.web.registry.urls")),
    path("", include("zhunsheng.web.matters.urls")),
    path("", include("zhunsheng.web.inspection.urls")),
    path("", include("zhunsheng.web.appraisal.urls")),
    path("", include("zhunsheng.web.law.urls")),
    path("", include("zhunsheng.web.public_log.urls")),
    path("admin/", admin.site.urls),
    path("", include("zhunsheng.web.portal.urls")),
]
