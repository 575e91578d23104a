"""Key pairs: public ssh keys of a user, put into a server at its first boot."""
