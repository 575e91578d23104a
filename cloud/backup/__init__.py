"""Copies of a whole cloud: database, keys, policy, images; to a folder or to S3, and back.

A backup is a folder of *parts* and a manifest that names each with its size and SHA-256. The manifest is written last, so what
has none is no backup. With a passphrase every part is sealed (sealing.py) and the manifest is signed; without one no key is saved.
"""
