"""Hinode Consulting, of Zürich and Tokyo: other countries, currencies, taxes, codes and billing models than the
demo firm's."""
