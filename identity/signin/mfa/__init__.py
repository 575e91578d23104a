"""MFA: what a person proves besides the password: a code of an app, a security key or passkey, a recovery code."""
