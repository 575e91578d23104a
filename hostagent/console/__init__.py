"""Consoles of guests: serial connections shared by several viewers, and console logs sent to control."""
