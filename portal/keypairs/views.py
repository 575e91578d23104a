"""Key pairs: made, imported, shown once, deleted."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.context import RequestContext
from compute.keypairs import keys, services
from compute.keypairs.models import KeyPair
from portal.ui import Text
from portal.ui.calls import Call, to
from portal.ui.details import Card, Detail, ItemPage
from portal.ui.dialogs import FormDialog, Shown
from portal.ui.forms import Name, Styled
from portal.ui.lists import Empty, ListPanel, New
from portal.ui.menus import Action
from portal.ui.removal import Removal
from portal.ui.tables import Bulk, Cell, Column, attr


class KeyPairs(ListPanel):
    panel, kind, route = "key-pairs", "keypair", "key-pair"
    search, order, identity = ("name", "fingerprint"), ("name",), "name"
    columns = (
        Column(gettext_lazy("Name"), sort="name"),
        Column(gettext_lazy("Type"), hide="m", cell=attr("text", "type")),
        Column(gettext_lazy("Fingerprint"), cell=attr("copy", "fingerprint")),
        Column(gettext_lazy("Public key"), hide="l", cell=attr("fold", "public_key")),
        Column(gettext_lazy("Age"), "n", "m", "created_at", attr("age", "created_at")),
    )
    new = New(gettext_lazy("Create or import"), "key-pair-create")
    empty = Empty(
        gettext_lazy("No key pairs yet"),
        gettext_lazy("A key pair lets you log in by ssh without a password. Only its public half is kept here."),
        "openstack keypair create --public-key ~/.ssh/id_ed25519.pub laptop",
    )

    def bulk(self, actor: RequestContext) -> tuple[Bulk, ...]:
        return (Bulk("delete", _("Delete…"), "trash", reverse("key-pairs-delete") + "?ids=", risk=True),)

    def query(self, actor: RequestContext) -> Any:
        return services.of(actor)


class KeyPairItem(ItemPage):
    panel, kind = "key-pairs", "keypair"
    recorded, identity = "service/compute/os-keypairs", "name"
    find = staticmethod(services.find)

    @classmethod
    def recorded_rows(cls, actor: RequestContext) -> Any:
        """Query the actor's own: by its name a page finds no other."""
        return services.of(actor)

    def actions(self, actor: RequestContext, row: KeyPair) -> list[Action]:
        return [Action("delete", _("Delete"), "trash", reverse("key-pair-delete", args=[row.name]), risk=True)]

    def detail(self, actor: RequestContext, row: KeyPair) -> Detail:
        pairs = (
            (_("Type"), Cell("text", row.type)),
            (_("Fingerprint"), Cell("copy", row.fingerprint)),
            (_("Created"), Cell("when", row.created_at)),
            (_("Public key"), Cell("cmd", row.public_key)),
        )
        return Detail(row.name, cards=[Card(_("Details"), pairs=pairs)])


#: x509 is what Windows takes for its remote shell.
TYPES: tuple[tuple[str, Text], ...] = (("ssh", "SSH"), ("x509", gettext_lazy("X.509 certificate")))


class KeyName(Name):
    """A name that the API takes too."""

    default_validators = [
        RegexValidator(
            f"^{keys.name_pattern(keys.LATER_SIGNS)}\\Z",
            gettext_lazy("Letters without accents, digits, - _ @ . and spaces between them."),
        )
    ]


class KeyType(forms.ChoiceField):
    """What a pair is for; ssh where nothing was said."""

    def __init__(self) -> None:
        super().__init__(label=gettext_lazy("Type"), choices=TYPES)

    def clean(self, value: object) -> str:
        return str(super().clean(value or TYPES[0][0]))


class KeyForm(Styled):
    name = KeyName()
    type = KeyType()
    public_key = forms.CharField(
        label=gettext_lazy("Public key"),
        required=False,
        widget=forms.Textarea(attrs={"class": "mono", "rows": 4, "placeholder": "ssh-ed25519 AAAA… me@laptop"}),
        help_text=gettext_lazy(
            "Paste one to import it. Left empty, a new pair is made and its private half is shown once."
        ),
    )


def create(call: Call, values: dict[str, Any]) -> Any:
    """Create the imported pair; one that was made here shows its private half, this once."""
    public_key = values["public_key"].strip() or None
    made = services.create(call.actor, name=values["name"], type=values["type"], public_key=public_key)
    if made.private_key is None:
        return made.row
    context = {"row": made.row, "private_key": made.private_key}
    return Shown("keypairs/made.html", made.row.name, context, made.row)


CREATE = FormDialog(
    panel="key-pairs",
    title=gettext_lazy("Create or import a key pair"),
    submit=gettext_lazy("Create"),
    form=KeyForm,
    places=((services.KeyPairExists, "name"), (keys.BadKey, "public_key")),
    do=create,
    next=to("key-pairs"),
    value=lambda row: str(row.name),
    said=lambda row: _("Imported %(name)s") % {"name": row.name},
)
DELETE = Removal(
    panel="key-pairs",
    find=services.find,
    text=gettext_lazy("Instances keep the key they were made with."),
    one=gettext_lazy("Delete the key pair"),
    bulk=gettext_lazy("Delete the key pairs"),
    remove=lambda call, id: services.delete(call.actor, name=id),
    route="key-pairs",
)
