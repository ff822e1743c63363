"""Filters of the desk's lists, kept in the address."""

import django_filters
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.desk.channels import CHANNELS
from zhunsheng.web.desk.models import Delivery


class DeliveryFilter(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.ChoiceFilter(label=_("状态"), choices=Delivery.State.choices)
    channel = django_filters.ChoiceFilter(
        label=_("渠道"), choices=[(code, channel.label) for code, channel in CHANNELS.items()]
    )

    class Meta:
        model = Delivery
        fields = ("state", "channel")
