"""M1 to M3: models that put customers into tiers."""
