"""The sitemap. Each room owns its addresses; the portal stands at the root."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("language/", include("zhunsheng.web.common.urls_language")),
    path("styleguide/", include("zhunsheng.web.common.urls")),
    path("account/", include("zhunsheng.web.people.urls_account")),
    path("people/", include("zhunsheng.web.people.urls")),
    path("desk/", include("zhunsheng.web.desk.urls")),
    path("registry/", include("zhunsheng.web.registry.urls")),
    path("firm/", include("zhunsheng.web.registry.urls_firm")),
    path("inspection/", include("zhunsheng.web.inspection.urls")),
    path("appraisal/", include("zhunsheng.web.appraisal.urls")),
    path("audit/", include("zhunsheng.web.public_log.urls_audit")),
    path("log/", include("zhunsheng.web.public_log.urls")),
    path("admin/", admin.site.urls),
    path("", include("zhunsheng.web.portal.urls")),
]
