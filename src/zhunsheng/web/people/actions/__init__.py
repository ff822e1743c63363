"""The only writers of accounts, posts, offices, duties and second factors."""

from zhunsheng.web.people.actions.accounts import (
    add_duty,
    add_post,
    change_password,
    create_user,
    deactivate_user,
    delegate_post,
    edit_user,
    end_duty,
    end_post,
    load_city,
    reactivate_user,
    reset_password,
)
from zhunsheng.web.people.actions.factors import (
    CODES,
    Locked,
    add_app,
    add_passkey,
    new_recovery_codes,
    note_refusal,
    remove_app,
    remove_passkey,
    rename_passkey,
    reset_factors,
    use_code,
    use_passkey,
)

__all__ = [
    "CODES", "Locked", "add_app", "add_duty", "add_passkey", "add_post", "change_password", "create_user", "deactivate_user",
    "delegate_post", "edit_user", "end_duty", "end_post", "load_city", "new_recovery_codes", "note_refusal",
    "reactivate_user", "remove_app", "remove_passkey", "rename_passkey", "reset_factors", "reset_password", "use_code",
    "use_passkey",
]  # fmt: skip
