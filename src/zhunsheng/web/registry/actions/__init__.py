"""The only writer of the register."""

from zhunsheng.web.registry.actions.city import load_city
from zhunsheng.web.registry.actions.entities import (
    ChangedMeanwhile,
    add_premises,
    change_entity,
    change_many,
    change_premises,
    close_premises,
    open_firm_account,
    register_entity,
    register_many,
)
from zhunsheng.web.registry.actions.inspectors import (
    add_qualification,
    change_inspector,
    declare_recusal,
    end_qualification,
    end_recusal,
    register_inspector,
    set_leave,
    write_inspectors,
    write_recusals,
)

__all__ = [
    "ChangedMeanwhile",
    "add_premises",
    "add_qualification",
    "change_entity",
    "change_inspector",
    "change_many",
    "change_premises",
    "close_premises",
    "declare_recusal",
    "end_qualification",
    "end_recusal",
    "load_city",
    "open_firm_account",
    "register_entity",
    "register_inspector",
    "register_many",
    "set_leave",
    "write_inspectors",
    "write_recusals",
]
