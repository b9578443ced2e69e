"""Firms other than the demo firm, each with its rules, its ERP and its deals."""
