"""Ids of users and groups that live elsewhere."""

import hashlib


def public_id(domain_id: str, entity_type: str, local_id: str) -> str:
    """Keystone's id of such a thing: a SHA-256 over where and who, so that it is the same in every cloud's database."""
    return hashlib.sha256(f"{domain_id}{entity_type}{local_id}".encode()).hexdigest()
