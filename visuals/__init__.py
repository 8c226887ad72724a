"""Getaway's stage: draws what the engine hears. Imports grid, state, roles, slot and clock of engine, nothing else of it."""
