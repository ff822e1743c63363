"""The addresses of the room for the public and for firms."""

from django.urls import URLPattern, path

from zhunsheng.web.matters.views import firm, follow, public

urlpatterns: list[URLPattern] = [
    path("complain/", public.home, name="complain"),
    path("complain/new/", public.new("complaint"), name="complain_new"),
    path("report/new/", public.new("violation_report"), name="report_new"),
    path("claim/new/", public.new("compensation"), name="claim_new"),
    path("disclosure/new/", public.new("disclosure_request"), name="disclosure_new"),
    path("complain/filed/", public.filed, name="filed"),
    path("complain/follow/", follow.home, name="follow_home"),
    path("complain/<str:no>/", follow.follow, name="follow"),
    path("complain/<str:no>/material/", follow.material, name="follow_material"),
    path("complain/<str:no>/leave/", follow.leave, name="follow_leave"),
    path("complain/<str:no>/papers/<int:pk>/", follow.paper, name="follow_paper"),
    path("complain/<str:no>/steps/<slug:verb>/", follow.step, name="follow_step"),
    path("matters/<str:no>/follow-code/", firm.renew_code, name="renew_code"),
    path("firm/matters/", firm.listing, name="firm_matters"),
    path("firm/matters/new/<slug:code>/", firm.begin, name="firm_begin"),
    path("firm/matters/<str:no>/", firm.matter, name="firm_matter"),
    path("firm/matters/<str:no>/steps/<slug:verb>/", firm.step, name="firm_step"),
    path("firm/matters/<str:no>/material/", firm.material, name="firm_material"),
    path("firm/matters/<str:no>/contact/", firm.contact, name="firm_contact"),
    path("firm/matters/<str:no>/papers/<int:pk>/", firm.paper, name="firm_paper"),
]
