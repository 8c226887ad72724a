"""Getaway's stage: draws what the engine hears. Imports grid, state, roles, slot, clock of engine, no more."""
