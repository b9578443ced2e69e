"""What the core needs of the world, by role. Adapters implement these; `adapters.bootstrap` picks them."""
