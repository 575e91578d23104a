"""Attachments: which server has which volume."""
