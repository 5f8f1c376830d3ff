"""The embedded exchange: a local server speaking Coinbase's protocol, fed by a seeded simulator or by a recording."""
