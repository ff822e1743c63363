from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PeopleConfig(AppConfig):
    name = "zhunsheng.web.people"
    verbose_name = _("人员与机构")

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from zhunsheng.web.people import step_up

        # Whoever has just signed in has just shown who he is.
        user_logged_in.connect(
            lambda request, **_said: step_up.mark(request), weak=False, dispatch_uid="people.step_up.mark"
        )
