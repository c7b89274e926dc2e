"""callengine: an AI agent that answers a shop's phone over Asterisk AudioSocket."""
