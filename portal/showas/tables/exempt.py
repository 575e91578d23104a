"""Actions that nothing outside of the portal has, and why: a new one needs an entry in a table, or a line here."""

_OWN = "the portal's own: what one sees, not what the cloud has"
_SESSION = "of this session or this person's sign-in"
_SHARES = "shares of single objects are this cloud's own; OpenStack's tools know none"
_BROWSER = "opens in the browser"

#: Name of an address → why.
EXEMPT = {
    **dict.fromkeys(("language", "columns", "settings", "region", "first-steps-away"), _OWN),
    **dict.fromkeys(("show-as", "recording", "views"), _OWN),
    **dict.fromkeys(("launch-draft", "launch-draft-forget", "launch-templates", "launch-template-delete"), _OWN),
    **dict.fromkeys(("launch-snippets", "launch-snippet-delete"), _OWN),
    "image-gallery-add": "the gallery is the portal's own list; what it adds is an import by address",
    **dict.fromkeys(("domain-clear", "domain-context", "switch-project", "switch-domain"), _OWN),
    **dict.fromkeys(("sign-in", "sign-in-again", "sign-in-key", "sign-out", "password"), _SESSION),
    **dict.fromkeys(("security-app", "security-app-remove", "security-key-add", "security-key-options"), _SESSION),
    **dict.fromkeys(("security-key-remove", "security-codes", "security-strict", "security-others"), _SESSION),
    **dict.fromkeys(("security-everywhere", "security-session-end"), _SESSION),
    **dict.fromkeys(("share", "share-give-up", "share-withdraw"), _SHARES),
    **dict.fromkeys(("instance-ticket", "instance-console-links", "instance-console-link-end", "vnc-ticket"), _BROWSER),
    **dict.fromkeys(
        ("instance-relaunch", "instance-relaunch-as"),
        "a failed launch runs again in its place: Nova has no verb for it",
    ),
    "mapping-try": "changes nothing",
    "project-activate": _OWN,
    "audit": "no service of OpenStack lists audit records",
    **dict.fromkeys(
        ("identity-provider-openid", "identity-provider-drop"), "clients of OpenID Connect are this cloud's own"
    ),
}
