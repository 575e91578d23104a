"""The kit that panels are made of: pages, lists, tables, details, menus, dialogs, forms, status words, timelines."""

from typing import TYPE_CHECKING

from django.utils.functional import Promise

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    Text = str | StrPromise
else:
    Text = str | Promise
