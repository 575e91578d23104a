"""Addresses of signing in and out, of the session and of one's own settings."""

from django.urls import path

from portal.session import providers, security, settings, steps, views, views_kept

urlpatterns = [
    path("sign-in", views.SignIn.as_view(), name="sign-in"),
    path("sign-in/again", steps.Again.as_view(), name="sign-in-again"),
    path("sign-in/state", steps.State.as_view(), name="sign-in-state"),
    path("sign-in/key", steps.KeyOptions.as_view(), name="sign-in-key"),
    path("sign-in/with/<str:provider>/<str:protocol>", providers.With.as_view(), name="sign-in-with"),
    path("sign-in/federated", providers.Back.as_view(), name="sign-in-federated"),
    path("sign-in/done", providers.Done.as_view(), name="sign-in-done"),
    path("sign-out", views.SignOut.as_view(), name="sign-out"),
    path("language", views.Language.as_view(), name="language"),
    path("project", views.SwitchProject.as_view(), name="switch-project"),
    path("domain", settings.SwitchDomain.as_view(), name="switch-domain"),
    path("columns", settings.Columns.as_view(), name="columns"),
    path("views", views_kept.Views.as_view(), name="views"),
    path("settings", settings.Settings.as_view(), name="settings"),
    path("settings/password", settings.PASSWORD.as_view(), name="password"),
    path("settings/region", settings.Region.as_view(), name="region"),
    path("settings/security", security.Security.as_view(), name="security"),
    path("settings/security/app", security.SetUpApp.as_view(), name="security-app"),
    path("settings/security/app/remove", security.REMOVE_APP.as_view(), name="security-app-remove"),
    path("settings/security/keys/add", security.AddKey.as_view(), name="security-key-add"),
    path("settings/security/keys/options", security.AddKeyOptions.as_view(), name="security-key-options"),
    path("settings/security/keys/<str:id>/remove", security.REMOVE_KEY.as_view(), name="security-key-remove"),
    path("settings/security/codes", security.NewCodes.as_view(), name="security-codes"),
    path("settings/security/strict", security.STRICT.as_view(), name="security-strict"),
    path("settings/security/sessions/others", security.END_OTHERS.as_view(), name="security-others"),
    path("settings/security/sessions/everywhere", security.EVERYWHERE.as_view(), name="security-everywhere"),
    path("settings/security/sessions/<str:id>/end", security.END_SESSION.as_view(), name="security-session-end"),
]
