"""The addresses of the matters room: /matters/ for staff, /complain/ and its kin for the public, /firm/matters/ for firms."""

from django.urls import include, path

from zhunsheng.web.matters.views import disclosure, dispatching, matters, opening, operations, papers, stats, steps

app_name = "matters"

urlpatterns = [
    path("matters/", matters.home, name="home"),
    path("matters/new/", opening.new, name="new"),
    path("matters/new/<slug:code>/", opening.open_kind, name="open"),
    path("matters/figures/", stats.figures, name="figures"),
    path("matters/entities/", matters.entities, name="entities"),
    path("matters/publications/<int:pk>/", disclosure.publication, name="publication"),
    path("matters/received/", dispatching.received, name="received"),
    path("matters/received/<int:pk>/", dispatching.received_one, name="received_one"),
    path("matters/received/<int:pk>/paper/", dispatching.received_paper, name="received_paper"),
    path("matters/received/<int:pk>/sign/", dispatching.sign_for, name="sign_for"),
    path("matters/<str:no>/", matters.matter, name="matter"),
    path("matters/<str:no>/file/", matters.whole_file, name="file"),
    path("matters/<str:no>/step/<slug:verb>/", steps.step, name="step"),
    path("matters/<str:no>/take-on/", papers.take_on, name="take_on"),
    path("matters/<str:no>/hand-over/", papers.hand_over, name="hand_over"),
    path("matters/<str:no>/approval-sheet/", dispatching.approval_sheet, name="approval_sheet"),
    path("matters/<str:no>/final-preview/", dispatching.final_preview, name="final_preview"),
    path("matters/<str:no>/gather/", operations.gather, name="gather"),
    path("matters/<str:no>/link/", papers.link, name="link"),
    path("matters/<str:no>/papers/add/", papers.add_document, name="add_document"),
    path("matters/<str:no>/papers/capture/", papers.capture, name="capture"),
    path("matters/<str:no>/parties/add/", papers.add_party, name="add_party"),
    path("matters/<str:no>/parties/<int:pk>/receive/", papers.receive, name="receive"),
    path("matters/<str:no>/classify/", disclosure.classify, name="classify"),
    path("matters/<str:no>/publications/<int:pk>/correct/", disclosure.correct, name="correct"),
    path("matters/<str:no>/publications/<int:pk>/withdraw/", disclosure.withdraw, name="withdraw"),
    path("matters/<str:no>/reveal/", disclosure.reveal, name="reveal"),
    path("", include("zhunsheng.web.matters.urls_public")),
]
