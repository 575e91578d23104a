"""The key store: keys of the cloud as sealed rows (envelope encryption), and what is encrypted with them.

A row of `Key` is a data key, wrapped by a key-encryption key that is derived from the cloud's secret (keys/secret, 0600, in no
database). Texts in columns are encrypted with the data key that is in use (`encryption.py`); other apps make a key of their own for
what they hold, a volume or a container of objects, and ask for it by its id (`keys.py`). `manage.py keys_rotate secret` wraps every
row anew and gives the columns new data keys (`rotation.py`). Decision 0123.
"""
