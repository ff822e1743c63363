from django.urls import path

from zhunsheng.web.public_log import views

app_name = "public_log"
urlpatterns = [
    path("log/", views.home, name="home"),
    path("log/export.jsonl", views.export, name="export"),
    path("log/head.json", views.head, name="head"),
    path("log/consistency/", views.consistency, name="consistency"),
    path("log/<int:index>/", views.entry, name="entry"),
    path("log/<int:index>/proof.json", views.proof, name="proof"),
    path("audit/", views.acts, name="acts"),
    path("audit/<int:pk>/", views.act, name="act"),
]
