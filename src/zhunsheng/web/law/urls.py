from django.urls import path

from zhunsheng.web.law import views

app_name = "law"
urlpatterns = [
    path("law/", views.home, name="home"),
    path("law/changes/", views.changes, name="changes"),
    path("law/changes/<str:no>/", views.change, name="change"),
    path("law/changes/<str:no>/moves.csv", views.moves, name="moves"),
    path("law/changes/<str:no>/decide/", views.decide, name="decide"),
    path("law/changes/<str:no>/withdraw/", views.withdraw, name="withdraw"),
    path("law/calendars/<int:year>/", views.calendar, name="calendar"),
    path("law/procedures/<slug:code>/", views.procedure, name="procedure"),
    path("law/procedures/<slug:code>/review/", views.review_procedure, name="review_procedure"),
    path("law/procedures/<slug:code>/<str:version>/<slug:kind>/<slug:element>/", views.element, name="element"),
    path("law/procedures/<slug:code>/<str:version>/<slug:kind>/<slug:element>/propose/", views.propose_element, name="propose_element"),
    path("law/<path:name>/review/", views.review, name="review"),
    path("law/<path:name>/new/", views.propose_new, name="propose_new"),
    path("law/<path:name>/rows/<str:key>/", views.row, name="row"),
    path("law/<path:name>/rows/<str:key>/propose/", views.propose_row, name="propose_row"),
    path("law/<path:name>/", views.table, name="table"),
]  # fmt: skip
