"""The command line, installed as `genai_basics.cli`."""
