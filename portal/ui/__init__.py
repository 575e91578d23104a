"""The kit that panels are made of: pages, lists, tables, details, menus, dialogs, forms, status words, timelines."""

from django.utils.functional import Promise

Text = str | Promise
