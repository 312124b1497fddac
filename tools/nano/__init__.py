"""How the small language model `tunekit/nano` is made: text generator, pretraining, measurements."""
