"""Telemetry: what hosts, guests and their ports use, sampled each 10 s and kept 400 days, ever more coarsely.

samples/   the store, what comes in, how it is rolled up and forgotten, what a chart reads
meters.py  what is measured of each kind
services.py  who may see whose
"""
