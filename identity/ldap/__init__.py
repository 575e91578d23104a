"""Domains whose users and groups live in an LDAP directory, which is only read."""
