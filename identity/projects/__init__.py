"""Projects: trees of them inside a domain; a domain is a project row too, as in Keystone."""
