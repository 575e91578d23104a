"""Tests of the portal without a browser."""
