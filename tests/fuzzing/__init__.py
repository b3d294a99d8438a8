"""Programs that nobody wrote, held to what the language promises: by a grammar, and led by coverage."""
