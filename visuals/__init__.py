"""Getaway's stage: draws what the engine hears. Of engine it imports what a reader of the line needs, no more."""
