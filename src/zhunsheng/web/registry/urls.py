from django.urls import path

from zhunsheng.web.registry.views import areas, entities, firm, inspectors

app_name = "registry"
urlpatterns = [
    path("registry/", entities.home, name="home"),
    path("registry/entities/add/", entities.add, name="add_entity"),
    path("registry/entities/<int:pk>/", entities.entity_page, name="entity"),
    path("registry/entities/<int:pk>/edit/", entities.edit, name="edit_entity"),
    path("registry/entities/<int:pk>/premises/add/", entities.add_premises, name="add_premises"),
    path("registry/entities/<int:pk>/accounts/add/", entities.add_account, name="add_account"),
    path("registry/premises/<int:pk>/edit/", entities.edit_premises, name="edit_premises"),
    path("registry/premises/<int:pk>/close/", entities.close_premises, name="close_premises"),
    path("registry/inspectors/", inspectors.inspectors, name="inspectors"),
    path("registry/inspectors/add/", inspectors.add, name="add_inspector"),
    path("registry/inspectors/<int:pk>/", inspectors.inspector_page, name="inspector"),
    path("registry/inspectors/<int:pk>/edit/", inspectors.edit, name="edit_inspector"),
    path("registry/inspectors/<int:pk>/leave/", inspectors.leave, name="leave"),
    path("registry/inspectors/<int:pk>/qualifications/add/", inspectors.add_qualification, name="add_qualification"),
    path("registry/inspectors/<int:pk>/recusals/add/", inspectors.declare_recusal, name="declare_recusal"),
    path("registry/qualifications/<int:pk>/end/", inspectors.end_qualification, name="end_qualification"),
    path("registry/recusals/<int:pk>/end/", inspectors.end_recusal, name="end_recusal"),
    path("registry/divisions/", areas.divisions, name="divisions"),
    path("registry/parks/", areas.parks, name="parks"),
    path("firm/", firm.home, name="firm_home"),
]
