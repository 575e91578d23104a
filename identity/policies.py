"""Identity's own rules: Keystone's names and its secure defaults (keystone/common/policies), grouped by check.

Each line: the check, then the verbs that it guards.
"""

from authorization import explaining, rules
from identity import audits
from identity.assignments import granting

_RULES: tuple[tuple[str, str], ...] = (
    (
        "user_id:%(user_id)s",
        "create_application_credential",
    ),
    (
        "rule:admin_required or rule:token_subject",
        "revoke_token",
    ),
    (
        "(role:reader and system_scope:all) or user_id:%(target.user.id)s",
        "get_access_rule list_access_rules",
    ),
    (
        "(role:admin and system_scope:all) or user_id:%(target.user.id)s",
        "delete_access_rule",
    ),
    (
        "rule:admin_required",
        (
            "authorize_request_token get_access_token get_access_token_role list_access_tokens "
            "list_access_token_roles delete_access_token create_consumer update_consumer delete_consumer "
            "create_domain update_domain delete_domain create_domain_config update_domain_config "
            "delete_domain_config create_endpoint update_endpoint delete_endpoint create_endpoint_group "
            "update_endpoint_group delete_endpoint_group add_endpoint_group_to_project "
            "remove_endpoint_group_from_project create_system_grant_for_user revoke_system_grant_for_user "
            "create_system_grant_for_group revoke_system_grant_for_group create_identity_provider "
            "update_identity_provider delete_identity_provider create_implied_role delete_implied_role "
            "create_limits update_limit delete_limit create_mapping delete_mapping update_mapping create_policy "
            "update_policy delete_policy create_policy_association_for_endpoint "
            "delete_policy_association_for_endpoint create_policy_association_for_service "
            "delete_policy_association_for_service create_policy_association_for_region_and_service "
            "delete_policy_association_for_region_and_service add_endpoint_to_project remove_endpoint_from_project "
            "create_protocol update_protocol delete_protocol create_region update_region delete_region "
            "create_registered_limits update_registered_limit delete_registered_limit create_role update_role "
            "delete_role create_domain_role update_domain_role delete_domain_role create_service update_service "
            "delete_service create_service_provider update_service_provider delete_service_provider"
        ),
    ),
    (
        "rule:admin_required or (role:reader and system_scope:all) or rule:owner",
        "get_application_credential list_application_credentials ec2_list_credentials",
    ),
    (
        "rule:admin_or_owner",
        "delete_application_credential",
    ),
    (
        "@",
        (
            "get_security_compliance_domain_config get_auth_catalog get_auth_projects get_auth_domains get_auth_system get_limit_model list_limits "
            "get_region list_regions get_registered_limit list_registered_limits list_projects_for_user "
            "list_domains_for_user"
        ),
    ),
    (
        "rule:admin_required or (role:reader and system_scope:all)",
        (
            "get_consumer list_consumers get_domain_config get_domain_config_default get_endpoint list_endpoints "
            "list_endpoint_groups get_endpoint_group list_projects_associated_with_endpoint_group "
            "list_endpoints_associated_with_endpoint_group get_endpoint_group_in_project "
            "list_endpoint_groups_for_project list_system_grants_for_user check_system_grant_for_user "
            "list_system_grants_for_group check_system_grant_for_group list_identity_providers "
            "get_identity_provider get_implied_role list_implied_roles list_role_inference_rules check_implied_role"
            " get_mapping list_mappings get_policy list_policies check_policy_association_for_endpoint "
            "check_policy_association_for_service check_policy_association_for_region_and_service "
            "get_policy_for_endpoint list_endpoints_for_policy list_projects_for_endpoint check_endpoint_in_project"
            " list_endpoints_for_project get_protocol list_protocols get_domain_role list_domain_roles get_service "
            "list_services list_service_providers get_service_provider list_trusts"
        ),
    ),
    (
        "rule:admin_required or (role:reader and system_scope:all) or user_id:%(target.credential.user_id)s",
        "get_credential list_credentials ec2_get_credential",
    ),
    (
        "rule:admin_required or user_id:%(target.credential.user_id)s",
        "create_credential update_credential delete_credential",
    ),
    (
        (
            "rule:admin_required or (role:reader and system_scope:all) or token.domain.id:%(target.domain.id)s or "
            "token.project.domain.id:%(target.domain.id)s"
        ),
        "get_domain",
    ),
    (
        (
            "rule:admin_required or (role:reader and system_scope:all) or (role:reader and "
            "domain_id:%(target.domain.id)s)"
        ),
        "list_domains",
    ),
    (
        "rule:admin_required or (role:member and user_id:%(target.credential.user_id)s)",
        "ec2_create_credential ec2_delete_credential",
    ),
    (
        (
            "rule:admin_required or ((role:reader and system_scope:all) or ((role:reader and "
            "domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:reader and "
            "domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or (role:reader and "
            "domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:reader and "
            "domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s)) and "
            "(domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s))"
        ),
        "check_grant",
    ),
    (
        (
            "rule:admin_required or ((role:reader and system_scope:all) or (role:reader and "
            "domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:reader and "
            "domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or (role:reader and "
            "domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:reader and "
            "domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s))"
        ),
        "list_grants",
    ),
    (
        (
            "rule:admin_required or ((role:admin and domain_id:%(target.user.domain_id)s and "
            "domain_id:%(target.project.domain_id)s) or (role:admin and domain_id:%(target.user.domain_id)s and "
            "domain_id:%(target.domain.id)s) or (role:admin and domain_id:%(target.group.domain_id)s and "
            "domain_id:%(target.project.domain_id)s) or (role:admin and domain_id:%(target.group.domain_id)s and "
            "domain_id:%(target.domain.id)s)) and (domain_id:%(target.role.domain_id)s or "
            "None:%(target.role.domain_id)s) or ((role:manager and domain_id:%(target.user.domain_id)s and "
            "domain_id:%(target.project.domain_id)s) or (role:manager and domain_id:%(target.user.domain_id)s and "
            "domain_id:%(target.domain.id)s) or (role:manager and domain_id:%(target.group.domain_id)s and "
            "domain_id:%(target.project.domain_id)s) or (role:manager and domain_id:%(target.group.domain_id)s and "
            "domain_id:%(target.domain.id)s)) and rule:domain_managed_target_role"
        ),
        "create_grant revoke_grant",
    ),
    (
        (
            "rule:admin_required or (role:reader and system_scope:all) or (role:reader and "
            "domain_id:%(target.group.domain_id)s)"
        ),
        "get_group list_groups list_users_in_group",
    ),
    (
        (
            "rule:admin_required or (role:reader and system_scope:all) or (role:reader and "
            "domain_id:%(target.user.domain_id)s) or user_id:%(user_id)s"
        ),
        "list_groups_for_user",
    ),
    (
        "rule:admin_required or (role:manager and domain_id:%(target.group.domain_id)s)",
        "create_group update_group delete_group",
    ),
    (
        (
            "rule:admin_required or (role:manager and domain_id:%(target.group.domain_id)s and "
            "domain_id:%(target.user.domain_id)s)"
        ),
        "remove_user_from_group add_user_to_group",
    ),
    (
        (
            "rule:admin_required or (role:reader and system_scope:all) or (role:reader and "
            "domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)"
        ),
        "check_user_in_group",
    ),
    (
        (
            "rule:admin_required or (role:reader and system_scope:all) or (domain_id:%(target.limit.domain.id)s or "
            "domain_id:%(target.limit.project.domain_id)s) or (project_id:%(target.limit.project_id)s and not "
            "None:%(target.limit.project_id)s)"
        ),
        "get_limit",
    ),
    (
        (
            "rule:admin_required or (role:reader and system_scope:all) or (role:reader and "
            "domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s) or "
            "project_id:%(target.project.id)s"
        ),
        "get_project list_project_tags get_project_tag",
    ),
    (
        (
            "rule:admin_required or (role:reader and system_scope:all) or (role:reader and "
            "domain_id:%(target.domain_id)s)"
        ),
        "list_projects list_users",
    ),
    (
        (
            "rule:admin_required or (role:manager and domain_id:%(target.project.domain_id)s and not "
            "None:%(target.project.domain_id)s)"
        ),
        (
            "create_project update_project delete_project update_project_tags create_project_tag "
            "delete_project_tags delete_project_tag"
        ),
    ),
    (
        "rule:service_or_admin",
        "list_revoke_events s3tokens_validate ec2tokens_validate",
    ),
    (
        (
            "(rule:admin_required or (role:reader and system_scope:all)) or (role:manager and "
            "rule:domain_managed_target_role)"
        ),
        "get_role",
    ),
    (
        "(rule:admin_required or (role:reader and system_scope:all)) or (role:manager and not domain_id:None)",
        "list_roles",
    ),
    (
        (
            "rule:admin_required or (role:reader and system_scope:all) or (role:reader and "
            "domain_id:%(target.domain_id)s and not None:%(target.domain_id)s)"
        ),
        "list_role_assignments list_role_assignments_for_tree",
    ),
    (
        "rule:admin_required or (role:reader and system_scope:all) or rule:token_subject",
        "check_token",
    ),
    (
        "rule:admin_required or (role:reader and system_scope:all) or rule:service_role or rule:token_subject",
        "validate_token",
    ),
    (
        "user_id:%(target.trust.trustor_user_id)s",
        "create_trust",
    ),
    (
        "rule:admin_required or (role:reader and system_scope:all or user_id:%(target.trust.trustor_user_id)s)",
        "list_trusts_for_trustor",
    ),
    (
        "rule:admin_required or (role:reader and system_scope:all or user_id:%(target.trust.trustee_user_id)s)",
        "list_trusts_for_trustee",
    ),
    (
        (
            "rule:admin_required or (role:reader and system_scope:all or user_id:%(target.trust.trustor_user_id)s "
            "or user_id:%(target.trust.trustee_user_id)s)"
        ),
        "list_roles_for_trust get_role_for_trust get_trust",
    ),
    (
        "rule:admin_required or user_id:%(target.trust.trustor_user_id)s",
        "delete_trust",
    ),
    (
        (
            "rule:admin_required or (role:reader and system_scope:all) or (role:reader and "
            "token.domain.id:%(target.user.domain_id)s) or user_id:%(target.user.id)s"
        ),
        "get_user",
    ),
    (
        "rule:admin_required or (role:manager and token.domain.id:%(target.user.domain_id)s)",
        "create_user update_user delete_user",
    ),
    (
        (
            "rule:admin_required or (role:reader and system_scope:all) or "
            "(role:reader and domain_id:%(target.user.domain_id)s) or user_id:%(target.user.id)s"
        ),
        "list_user_projects",
    ),
)

RULES: dict[str, str] = {
    "admin_required": "role:admin or is_admin:1",
    "service_role": "role:service",
    "service_or_admin": "rule:admin_required or rule:service_role",
    "owner": "user_id:%(user_id)s",
    "admin_or_owner": "rule:admin_required or rule:owner",
    "token_subject": "user_id:%(target.token.user_id)s",
    "admin_or_token_subject": "rule:admin_required or rule:token_subject",
    "service_admin_or_token_subject": "rule:service_or_admin or rule:token_subject",
    "domain_managed_target_role": (
        "'manager':%(target.role.name)s or 'member':%(target.role.name)s or 'reader':%(target.role.name)s"
    ),
}
RULES |= {f"identity:{verb}": check for check, verbs in _RULES for verb in verbs.split()}

DESCRIPTIONS: dict[str, str] = {name: name.removeprefix("identity:").replace("_", " ").capitalize() for name in RULES}

#: Verbs that a domain-scoped token may try too; all others take a project or the system, as Keystone's scope types say.
_ANY_SCOPE = (
    "get_credential list_credentials create_credential update_credential delete_credential get_domain "
    "list_domains check_grant list_grants create_grant revoke_grant get_group list_groups "
    "list_groups_for_user create_group update_group delete_group list_users_in_group "
    "remove_user_from_group check_user_in_group add_user_to_group get_limit list_limits get_project "
    "list_projects list_user_projects create_project update_project delete_project list_project_tags "
    "get_project_tag update_project_tags create_project_tag delete_project_tags delete_project_tag "
    "get_region list_regions get_registered_limit list_registered_limits get_role list_roles "
    "list_role_assignments list_role_assignments_for_tree check_token validate_token revoke_token "
    "get_user list_users create_user update_user delete_user get_security_compliance_domain_config "
    "get_auth_catalog get_auth_projects get_auth_domains get_auth_system list_projects_for_user "
    "list_domains_for_user"
)
_PROJECT_ONLY = (
    "authorize_request_token get_access_token get_access_token_role list_access_tokens "
    "list_access_token_roles delete_access_token create_application_credential create_trust"
)
_ALL = frozenset({"project", "domain", "system"})
SCOPES: dict[str, frozenset[str]] = {name: _ALL - {"domain"} for name in RULES if name.startswith("identity:")}
SCOPES |= {f"identity:{verb}": _ALL for verb in _ANY_SCOPE.split()}
SCOPES |= {f"identity:{verb}": frozenset({"project"}) for verb in _PROJECT_ONLY.split()}


def register() -> None:
    explaining.use_people(granting.people_with)
    rules.register("identity", RULES, DESCRIPTIONS, SCOPES)
    rules.register("audit", audits.RULES, audits.DESCRIPTIONS)
