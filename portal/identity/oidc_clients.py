"""OpenID Connect clients: as what the cloud is known at an identity provider."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from identity.federation import services
from identity.federation.fetching import BadAddress
from identity.federation.services import PROVIDERS
from identity.models import Client
from portal.ui.calls import Call, to
from portal.ui.dialogs import Confirm, FormDialog
from portal.ui.forms import Lines, Styled


class ClientForm(Styled):
    issuer = forms.URLField(
        label=gettext_lazy("Issuer"), max_length=255, assume_scheme="https",
        widget=forms.URLInput(attrs={"placeholder": "https://id.example.org", "autocomplete": "off"}),
        help_text=gettext_lazy("Its settings are read from there, at /.well-known/openid-configuration."),
    )  # fmt: skip
    client_id = forms.CharField(label=gettext_lazy("Client ID"), max_length=255)
    client_secret = forms.CharField(
        label=gettext_lazy("Client secret"), required=False, max_length=1024, strip=False,
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "off"}),
    )  # fmt: skip
    public = forms.BooleanField(
        label=gettext_lazy("No secret"), required=False, help_text=gettext_lazy("A public client; forgets the secret.")
    )
    scopes = forms.RegexField(
        r"^([^ ]+ )*openid( [^ ]+)*$", label=gettext_lazy("Scopes"), max_length=255,
        help_text=gettext_lazy("With spaces between; openid is among them."),
    )  # fmt: skip
    audiences = Lines(
        label=gettext_lazy("Further audiences"), required=False,
        help_text=gettext_lazy("Other clients' ids whose tokens are taken too, for command lines. One a line."),
    )  # fmt: skip
    label = forms.CharField(
        label=gettext_lazy("Button"), required=False, max_length=64,
        help_text=gettext_lazy("What the button on the sign-in page says."),
    )  # fmt: skip


def client_of(call: Call) -> Client | None:
    return Client.objects.filter(provider=call.row).first()


def secret_stays(call: Call, form: Any) -> None:
    known = client_of(call)
    if known is not None and known.encrypted_secret:
        form.fields["client_secret"].help_text = _("One is set. Empty: it stays.")


def begin(call: Call) -> dict[str, object]:
    known = client_of(call)
    if known is None:
        first = next((one.pk for one in call.row.remote_ids.all() if one.pk.startswith("https://")), "")
        return {"issuer": first, "scopes": "openid email profile"}
    shown = {name: getattr(known, name) for name in ("issuer", "client_id", "scopes", "label")}
    return {**shown, "audiences": "\n".join(known.audiences)}


def keep(call: Call, values: dict[str, object]) -> None:
    """Keep the form's values; an empty secret stays as it is."""
    public = values.pop("public")
    values["client_secret"] = "" if public else values["client_secret"] or None
    services.set_client(call.actor, call.id, **values)


OPENID = FormDialog(
    panel="identity-providers",
    find=PROVIDERS.get,
    two=True,
    title=gettext_lazy("OpenID Connect client"),
    submit=gettext_lazy("Save"),
    form=ClientForm,
    initial=begin,
    prepare=secret_stays,
    places=((BadAddress, "issuer"),),
    do=keep,
    next=to("identity-provider", "id"),
    said=gettext_lazy("The client is kept"),
)
DROP = Confirm(
    panel="identity-providers",
    title=gettext_lazy("Remove the OpenID Connect client of %(name)s?"),
    text=gettext_lazy("Its button leaves the sign-in page."),
    submit=gettext_lazy("Remove the client"),
    do=lambda call: services.drop_client(call.actor, call.id),
    next=to("identity-provider", "id"),
)
