"""The room's addresses; /q/ is the public's."""

from django.urls import URLPattern, path

from zhunsheng.web.documents import views

app_name = "documents"
urlpatterns: list[URLPattern] = [
    path("documents/", views.home, name="home"),
    path("documents/series/", views.series, name="series"),
    path("documents/new/", views.choose, name="choose"),
    path("documents/new/<str:kind>/", views.write, name="write"),
    path("documents/<int:pk>/", views.document, name="document"),
    path("documents/<int:pk>/pdf/", views.pdf, name="pdf"),
    path("documents/<int:pk>/void/", views.void, name="void"),
    path("documents/<int:pk>/replace/", views.replace, name="replace"),
    path("documents/<int:pk>/disclose/", views.disclose, name="disclose"),
    path("q/<str:code>/", views.proof, name="proof"),
]
