from django.urls import include, path

from zhunsheng.web.desk import views

app_name = "desk"
urlpatterns = [
    path("desk/", views.home, name="home"),
    path("desk/notices/", views.notices, name="notices"),
    path("desk/notices/read/", views.read_notices, name="read_notices"),
    path("desk/notices/<int:pk>/", views.open_notice, name="notice"),
    path("desk/views/", views.saved_views, name="saved_views"),
    path("desk/views/save/", views.save_view, name="save_view"),
    path("desk/views/<int:pk>/delete/", views.delete_view, name="delete_view"),
    path("desk/search/", views.search, name="search"),
    path("", include("zhunsheng.web.desk.importing.urls")),
]
