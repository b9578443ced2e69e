"""The API's shapes by area: the core's readings with amounts as exact text, and what requests carry."""
