"""Runs a whole cloud on one machine: `python -m cloud.run up | stop | clean | prepare | vendor`.

Everything here works without Django; what needs the database happens in processes of its own (see prepare.py).
"""
