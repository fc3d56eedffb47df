"""The addresses of people. Of allauth's only those that are offered: nobody signs up, asks for mail, or links accounts."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as passkey
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.db import transaction
from django.urls import include, path, re_path

from recorder.archive.web.access import View, everybody
from recorder.archive.web.people import views


def _told(view: View) -> View:
    """A view whose act stands in the audit trail (`telling`): either both are there, or neither."""
    return everybody(transaction.atomic(view))


_ACCOUNT = [
    path("login/", everybody(account.login), name="account_login"),
    path("logout/", everybody(account.logout), name="account_logout"),
    path("inactive/", everybody(account.account_inactive), name="account_inactive"),
    path("reauthenticate/", everybody(account.reauthenticate), name="account_reauthenticate"),
    path("password/", views.change_password, name="account_change_password"),
    re_path(
        r"^password/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[0-9A-Za-z-]+)/$",
        _told(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path("password/set/", everybody(account.password_reset_from_key_done), name="account_reset_password_from_key_done"),
    path("oidc/", views.provider, name="provider"),
    path("oidc/<str:provider_id>/callback/", everybody(oidc.callback), name="openid_connect_callback"),
    path("oidc/cancelled/", views.cancelled, name="socialaccount_login_cancelled"),
    path("2fa/", everybody(mfa.index), name="mfa_index"),
    path("2fa/authenticate/", everybody(mfa.authenticate), name="mfa_authenticate"),
    path("2fa/reauthenticate/", everybody(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("2fa/app/", _told(app.activate_totp), name="mfa_activate_totp"),
    path("2fa/app/remove/", _told(app.deactivate_totp), name="mfa_deactivate_totp"),
    path("2fa/codes/", everybody(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("2fa/codes/new/", _told(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("2fa/passkeys/", everybody(passkey.list_webauthn), name="mfa_list_webauthn"),
    path("2fa/passkeys/add/", _told(passkey.add_webauthn), name="mfa_add_webauthn"),
    path("2fa/passkeys/login/", everybody(passkey.login_webauthn), name="mfa_login_webauthn"),
    path(
        "2fa/passkeys/reauthenticate/", everybody(passkey.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"
    ),
    path("2fa/passkeys/<int:pk>/", everybody(passkey.edit_webauthn), name="mfa_edit_webauthn"),
    path("2fa/passkeys/<int:pk>/remove/", _told(passkey.remove_webauthn), name="mfa_remove_webauthn"),
]
_PEOPLE = [
    path("", views.people, name="people"),
    path("new/", views.make, name="people_make"),
    path("<uuid:person>/", views.person, name="person"),
    path("<uuid:person>/roles/", views.roles, name="person_roles"),
    path("<uuid:person>/reviewed/", views.reviewed, name="person_reviewed"),
    path("<uuid:person>/invite/", views.invite, name="person_invite"),
    path("<uuid:person>/deactivate/", views.deactivate, name="person_deactivate"),
    path("<uuid:person>/second-step/", views.reset, name="person_reset"),
]
_CONFIRMATIONS = [
    path("", views.confirmations, name="confirmations"),
    path("<uuid:person>/", views.confirm, name="person_confirm"),
]
urlpatterns = [
    path("account/", include(_ACCOUNT)),
    path("accounts/", include(_PEOPLE)),
    path("confirmations/", include(_CONFIRMATIONS)),
]
