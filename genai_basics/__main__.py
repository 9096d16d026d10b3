"""`python -m genai_basics` is the same as `genai-basics`."""

from genai_basics.cli.main import cli

if __name__ == "__main__":
    cli(prog_name="genai-basics")
